using System.Composition;
using System.Diagnostics.CodeAnalysis;
using VibePN.Contracts;
using VibePN.Plugins.ControlUnix.Native;

namespace VibePN.Plugins.ControlUnix;

/// <summary>Serves operators on a Unix socket: JSON requests and answers, in the predecessor's form and in version 1's.</summary>
[ControlPlugin("control-unix", Contract = 1)]
[PluginSetting("mode", SettingType.Text, Default = "0660",
    Help = "Permission bits of the socket, octal.")]
[PluginSetting("socket_gid", SettingType.Number, Default = "-1", Minimum = -1, Maximum = uint.MaxValue - 1,
    Help = "Numeric group of the socket; -1 leaves the daemon's.")]
[PluginSetting("admin_uids", SettingType.StringList, Default = "[]",
    Help = "Numeric user ids that may do everything, besides root and the daemon's own.")]
[PluginSetting("admin_gids", SettingType.StringList, Default = "[]",
    Help = "Numeric group ids whose members may do everything.")]
[PluginSetting("viewer_uids", SettingType.StringList, Default = "[]",
    Help = "Numeric user ids that may look.")]
[PluginSetting("viewer_gids", SettingType.StringList, Default = "[]",
    Help = "Numeric group ids whose members may look.")]
[PluginSetting("max_connections", SettingType.Number, Default = "16", Minimum = 1, Maximum = 1024,
    Help = "Clients served at once; more wait.")]
[PluginSetting("request_timeout", SettingType.Duration, Default = "2s",
    Help = "How long a client may take to send its request, and again to take the answer.")]
[PluginSetting("answer_timeout", SettingType.Duration, Default = "10s",
    Help = "How long a command may take to answer where the request has no deadline, and a client wait for a place.")]
[PluginSetting("max_deadline", SettingType.Duration, Default = "10m",
    Help = "The longest deadline that a request gets.")]
[PluginSetting("idle_timeout", SettingType.Duration, Default = "5m",
    Help = "How long a connection may stay open without a call.")]
[SuppressMessage("Design", "CA1001",
    Justification = "The host ends a plugin with StopAsync, which disposes the server.")]
[method: ImportingConstructor]
public sealed class UnixControl(IPluginContext context) : IControlPlugin
{
    private ControlSettings? _settings;
    private SocketFile? _file;
    private ControlServer? _server;

    /// <inheritdoc/>
    public ValueTask StartAsync(CancellationToken cancellationToken)
    {
        _settings = ControlSettings.From(context.Settings, LibC.geteuid());
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public void Serve(ControlOptions options, IControlMethods methods)
    {
        ControlSettings settings = _settings ?? throw new InvalidOperationException("Serve comes after StartAsync.");
        _file = SocketFile.Create(options.Endpoint, settings.Mode, settings.SocketGroup);
        _server = new ControlServer(_file.Listener, settings, methods, context);
        _server.Start();
        Log.Listening(context.Logger, options.Endpoint, settings.Mode);
    }

    /// <inheritdoc/>
    public async ValueTask StopAsync(CancellationToken cancellationToken)
    {
        _file?.Remove();
        if (_server is not null)
        {
            await _server.StopAsync(cancellationToken);
            _server.Dispose();
        }
        _file?.Listener.Dispose();
    }
}
