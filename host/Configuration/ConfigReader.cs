using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Engine.Configuration;

namespace VibePN.Host.Configuration;

/// <summary>Reads config.toml: everything it says, checked, or every error it has.</summary>
internal sealed class ConfigReader
{
    /// <summary>Where config.toml is unless the command line says otherwise.</summary>
    public const string DefaultPath = "/etc/vibepn/config.toml";

    private static readonly Dictionary<string, LogLevel> Levels = new()
    {
        ["debug"] = LogLevel.Debug,
        ["info"] = LogLevel.Information,
        ["warn"] = LogLevel.Warning,
        ["error"] = LogLevel.Error,
    };

    private readonly ConfigErrors _errors;
    private readonly TomlDocument _document;
    private readonly string _folder;
    private readonly Fingerprint? _node;

    private ConfigReader(TomlDocument document, string folder, Fingerprint? node, ConfigErrors errors)
    {
        _document = document;
        _folder = folder;
        _node = node;
        _errors = errors;
    }

    /// <summary>Reads the file.</summary>
    /// <returns>The configuration; null when <paramref name="errors"/> has any.</returns>
    public static DaemonConfiguration? ReadFile(string path, out IReadOnlyList<ConfigError> errors) =>
        ReadFile(path, node: null, out errors);

    /// <summary>Reads the file for a daemon that runs.</summary>
    /// <param name="path">The path as the operator gave it.</param>
    /// <param name="node">Who the daemon is: another identity in the file has no say before the next start.</param>
    /// <param name="errors">What is wrong.</param>
    /// <returns>The configuration; null when <paramref name="errors"/> has any.</returns>
    public static DaemonConfiguration? ReadFile(string path, Fingerprint? node, out IReadOnlyList<ConfigError> errors)
    {
        var found = new ConfigErrors(path);
        string? text = OperatorFile.Read(path, "'vpnctl init' makes one, and --config names another.", found);
        DaemonConfiguration? configuration =
            text is null ? null : Read(text, Path.GetDirectoryName(Path.GetFullPath(path))!, found, node);
        errors = found.Sorted;
        return configuration;
    }

    /// <summary>Reads a text.</summary>
    /// <param name="text">The text of a config.toml.</param>
    /// <param name="folder">What relative paths in it are relative to.</param>
    /// <param name="errors">Where errors go.</param>
    /// <param name="node">Who the daemon is; null when the file's identity says it.</param>
    /// <returns>The configuration; null when there are errors.</returns>
    public static DaemonConfiguration? Read(string text, string folder, ConfigErrors errors, Fingerprint? node = null)
    {
        ConfigDraft draft = Draft(TomlDocument.Parse(text, errors), folder, errors, node);
        return errors.IsEmpty && draft.Identity is { } identity ? draft.With(identity) : null;
    }

    /// <summary>Reads as much of a document as makes sense, for whoever looks for what is wrong with it.</summary>
    /// <param name="document">A parsed config.toml.</param>
    /// <param name="folder">What relative paths in it are relative to.</param>
    /// <param name="errors">Where errors go.</param>
    /// <param name="node">Who the daemon is; null when the file's identity says it.</param>
    public static ConfigDraft Draft(TomlDocument document, string folder, ConfigErrors errors, Fingerprint? node = null) =>
        new ConfigReader(document, folder, node, errors).Read();

    private ConfigDraft Read()
    {
        TableReader root = Reader(_document.Root, "the top level");
        ImmutableArray<IPEndPoint> listen = ReadListen(root);
        TomlText? state = root.Text("state");
        NodeIdentity? identity = ReadIdentity(root);
        TomlText? socket = ReadControl(root);
        IPEndPoint? metrics = ReadMetrics(root);
        LogLevel level = ReadLog(root);

        Fingerprint? self = _node ?? identity?.Fingerprint;

        // Peers are read before networks' addresses are derived, but refer to network names.
        TomlTable? networkTables = root.Table("networks");
        var networkNames = new HashSet<string>(networkTables?.Entries.Select(entry => entry.Key) ?? []);
        ImmutableArray<NetworkConfiguration> networks =
            new NetworkReader(_errors, _document.IsBroken, self).ReadAll(networkTables);
        ImmutableArray<PeerConfiguration> peers =
            new PeerReader(_errors, _document.IsBroken, networkNames, self).ReadAll(root.Tables("peers"));
        SessionConfiguration sessions = root.Table("sessions") is { } table
            ? SessionReader.Read(Reader(table, "[sessions]"), _errors)
            : SessionConfiguration.Standard;
        root.RejectUnknown();
        var host = new HostSettings
        {
            StateDirectory = AbsoluteOr(state, "/var/lib/vibepn"),
            ControlSocket = AbsoluteOr(socket, "/run/vibepn/vibepn.sock"),
            MetricsListen = metrics,
            LogLevel = level,
        };
        return new ConfigDraft(host, identity, listen, peers, networks, sessions);
    }

    private ImmutableArray<IPEndPoint> ReadListen(TableReader root)
    {
        if (root.Texts("listen") is not { } texts)
            return [new IPEndPoint(IPAddress.Any, 51820), new IPEndPoint(IPAddress.IPv6Any, 51820)];
        var listen = ImmutableArray.CreateBuilder<IPEndPoint>();
        foreach (TomlText text in texts)
        {
            if (!EndPointText.TryParse(text.Value, out IPEndPoint endPoint))
                _errors.Add(text.Position, ErrorCodes.BadValue,
                    $"'{text.Value}' is no listen address: write an IP address with a port, such as "
                    + "\"0.0.0.0:51820\" or \"[::]:51820\".");
            else if (listen.Contains(endPoint))
                _errors.Add(text.Position, ErrorCodes.BadValue, $"'{text.Value}' is listed twice: remove one.");
            else
                listen.Add(endPoint);
        }

        return listen.ToImmutable();
    }

    private NodeIdentity? ReadIdentity(TableReader root)
    {
        if (root.Table("identity") is { } table)
            return IdentityReader.Read(Reader(table, "[identity]"), _folder, _errors);
        root.Missing("identity", "add [identity] with 'cert' and 'key'; 'vpnctl init' makes both.");
        return null;
    }

    private TomlText? ReadControl(TableReader root)
    {
        if (root.Table("control") is not { } table)
            return null;
        TableReader control = Reader(table, "[control]");
        TomlText? socket = control.Text("socket");
        control.RejectUnknown();
        return socket;
    }

    private IPEndPoint? ReadMetrics(TableReader root)
    {
        var standard = new IPEndPoint(IPAddress.Loopback, 9000);
        if (root.Table("metrics") is not { } table)
            return standard;
        TableReader metrics = Reader(table, "[metrics]");
        TomlText? listen = metrics.Text("listen");
        bool expose = metrics.Boolean("expose")?.Value ?? false;
        metrics.RejectUnknown();
        if (listen is null)
            return standard;
        if (listen.Value.Length == 0)
            return null;
        // .NET's HTTP listener cannot bind an IPv6 address.
        if (!EndPointText.TryParse(listen.Value, out IPEndPoint endPoint) || endPoint.Port == 0
            || endPoint.AddressFamily != AddressFamily.InterNetwork)
        {
            _errors.Add(listen.Position, ErrorCodes.BadValue,
                $"'{listen.Value}' is no metrics address: write an IPv4 address with a port, such as "
                + "\"127.0.0.1:9000\", or \"\" for none.");
            return null;
        }

        if (!IPAddress.IsLoopback(endPoint.Address) && !expose)
            _errors.Add(listen.Position, ErrorCodes.BadValue,
                $"metrics on {listen.Value} would be open to the network without authentication: use 127.0.0.1, "
                + "or add 'expose = true' to [metrics] if that is wanted.");
        return endPoint;
    }

    private LogLevel ReadLog(TableReader root)
    {
        if (root.Table("log") is not { } table)
            return LogLevel.Information;
        TableReader log = Reader(table, "[log]");
        TomlText? level = log.Text("level");
        log.RejectUnknown();
        if (level is null)
            return LogLevel.Information;
        if (Levels.TryGetValue(level.Value, out LogLevel value))
            return value;
        _errors.Add(level.Position, ErrorCodes.BadValue,
            $"'{level.Value}' is no log level: use one of {string.Join(", ", Levels.Keys)}"
            + Suggestion.For(level.Value, Levels.Keys));
        return LogLevel.Information;
    }

    private string AbsoluteOr(TomlText? text, string standard)
    {
        if (text is null)
            return standard;
        if (text.Value.Length > 0)
            return Path.GetFullPath(text.Value, _folder);
        _errors.Add(text.Position, ErrorCodes.BadValue, $"this path is empty: write one, such as \"{standard}\".");
        return standard;
    }

    private TableReader Reader(TomlTable table, string name) => new(table, name, _errors, _document.IsBroken);
}
