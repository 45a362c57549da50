using System.Collections.Immutable;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using VibePN.Engine.Configuration;
using VibePN.Engine.Policy;
using VibePN.Host.Bundle;
using VibePN.Host.Control;
using VibePN.Host.Doctor;
using VibePN.Host.Logging;
using VibePN.Host.Native;
using VibePN.Host.Plugins;
using VibePN.Host.Running;

if (CommandLine.Parse(args, out string error) is not { } line)
{
    await Console.Error.WriteLineAsync($"vibepnd: {error}\n\n{CommandLine.Help}");
    return ExitCodes.Usage;
}

switch (line.Action)
{
    case CommandAction.Help:
        await Console.Out.WriteLineAsync(CommandLine.Help);
        return ExitCodes.Ok;
    case CommandAction.Version:
        await Console.Out.WriteLineAsync("vibepnd " + ControlMethods.Version);
        return ExitCodes.Ok;
    case CommandAction.Doctor:
        CoreDumps.Forbid();
        await Console.Out.WriteLineAsync(CheckJson.Report(
            Checkup.Run(line, Machine.Here), ExaminedConfig.Read(line.ConfigPath).Draft.Host.ControlSocket));
        return ExitCodes.Ok;
    case CommandAction.Bundle or CommandAction.RedactedBundle:
        CoreDumps.Forbid();
        var maker = new BundleMaker(line, redact: line.Action == CommandAction.RedactedBundle);
        await Console.Out.WriteLineAsync(JsonReply.Array(maker.MakeOffline(), BundleMaker.Write).Result.GetRawText());
        return ExitCodes.Ok;
    default:
        break;
}

CoreDumps.Forbid();
bool isCheck = line.Action == CommandAction.Check;
if (DaemonFiles.Read(line, strict: isCheck, out ImmutableArray<string> errors) is not { } files)
{
    foreach (string text in errors)
        await Console.Error.WriteLineAsync(text);
    return ExitCodes.Configuration;
}

if (isCheck)
{
    foreach (ConfigurationWarning warning in RuleCheck.Warnings(files.Configuration.Engine))
        await Console.Error.WriteLineAsync(warning.ToString());
    await Console.Out.WriteLineAsync("ok");
    return ExitCodes.Ok;
}

return await RunAsync(line, files);

static async Task<int> RunAsync(CommandLine line, DaemonFiles files)
{
    await using Stream output = Console.OpenStandardOutput();
    using var log = new DaemonLog(output, DaemonLog.IsJournal(), files.Configuration.Host.LogLevel);
    Microsoft.Extensions.Logging.ILogger logger = log.Loggers.CreateLogger("host");
    foreach (string warning in files.Warnings)
        Log.OptionalPluginFailed(logger, warning);

    using var manager = ServiceManager.FromEnvironment(Environment.GetEnvironmentVariable);
    var daemon = new Daemon(line, files, log, PluginLimits.Standard) { Manager = manager };
    ExceptionHandling.SetUnhandledExceptionHandler(daemon.OnUnhandledException);
    using PosixSignalRegistration term = OnSignal(PosixSignal.SIGTERM, () => daemon.StopBySignal("SIGTERM"));
    using PosixSignalRegistration interrupt = OnSignal(PosixSignal.SIGINT, () => daemon.StopBySignal("SIGINT"));
    using PosixSignalRegistration hangUp = OnSignal(PosixSignal.SIGHUP,
        () => _ = daemon.ReloadBySignalAsync("SIGHUP"));
    try
    {
        await daemon.StartAsync();
    }
    catch (DaemonException exception)
    {
        log.Dispose(); // so that the sentence stands last
        await Console.Error.WriteLineAsync("vibepnd: " + exception.Message);
        return exception.ExitCode;
    }

    Log.Stopping(logger, await daemon.StopRequested);
    manager.Stopping();
    await daemon.DisposeAsync();
    Log.Stopped(logger);
    return ExitCodes.Ok;
}

static PosixSignalRegistration OnSignal(PosixSignal signal, Action action) =>
    PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        action();
    });
