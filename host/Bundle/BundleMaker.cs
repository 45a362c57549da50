using System.Collections.Immutable;
using System.Globalization;
using System.Net.NetworkInformation;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Host.Configuration;
using VibePN.Host.Control;
using VibePN.Host.Doctor;

namespace VibePN.Host.Bundle;

/// <summary>One file of a bundle.</summary>
/// <param name="Name">A bare file name.</param>
/// <param name="Text">What is in it.</param>
internal sealed record BundleFile(string Name, string Text);

/// <summary>Gathers what somebody who helps needs to see, without keys and secrets.</summary>
/// <param name="daemon">The daemon.</param>
/// <param name="ask">Runs one of its own control methods as a viewer.</param>
internal sealed class BundleMaker(IDaemon daemon, Func<string, CancellationToken, Task<ControlReply>> ask)
{
    /// <summary>A file's longest text, in characters; a table of a million routes helps nobody.</summary>
    public const int MaxText = 2 << 20;

    private static readonly (string File, string Method)[] Answers =
    [
        ("status.json", "status"), ("peers.json", "peers"), ("networks.json", "networks"), ("routes.json", "routes"),
        ("plugins.json", "plugins.list"), ("netcheck.json", "netcheck.run"), ("version.json", "version"),
    ];

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>The names of the files, in their order.</summary>
    public static IEnumerable<string> Names =>
        ["about.txt", .. Answers.Select(answer => answer.File), "doctor.txt", "config.toml", "plugins.toml", "interfaces.txt", "log.txt", "metrics.txt"];

    /// <summary>Gathers.</summary>
    /// <param name="redact">Whether addresses, names and fingerprints are replaced.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<ImmutableArray<BundleFile>> MakeAsync(bool redact, CancellationToken cancellationToken)
    {
        List<BundleFile> files = [new("about.txt", About(redact))];
        foreach ((string file, string method) in Answers)
            files.Add(new BundleFile(file, await AnswerAsync(method, cancellationToken)));
        files.Add(new BundleFile("doctor.txt", await Task.Run(() => DoctorText(), cancellationToken)));
        files.Add(new BundleFile("config.toml", Read(daemon.Files.ConfigPath)));
        files.Add(new BundleFile("plugins.toml", Read(daemon.Files.PluginsPath)));
        files.Add(new BundleFile("interfaces.txt", Interfaces()));
        files.Add(new BundleFile("log.txt", string.Join('\n', daemon.RecentLog) + "\n"));
        files.Add(new BundleFile("metrics.txt", await MetricsAsync(cancellationToken)));
        Pseudonyms? pseudonyms = redact
            ? new Pseudonyms(await daemon.GetConfigurationAsync(cancellationToken), OtherNames())
            : null;
        return [.. files.Select(file => Finish(file, pseudonyms))];
    }

    private static BundleFile Finish(BundleFile file, Pseudonyms? pseudonyms)
    {
        string text = file.Text.Length <= MaxText
            ? file.Text
            : $"{file.Text[..MaxText]}\n... cut here: {file.Text.Length} characters in all\n";
        text = Secrets.Remove(text);
        return file with { Text = pseudonyms?.Apply(text) ?? text };
    }

    // The file may say more than what is in effect: peers that wait for a reload.
    private IEnumerable<string> OtherNames()
    {
        ConfigDraft draft = ExaminedConfig.Read(daemon.Files.ConfigPath).Draft;
        return [Environment.MachineName, .. draft.Peers.Select(peer => peer.Name), .. draft.Networks.Select(network => network.Name)];
    }

    private static string About(bool redact)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"made:      {DateTimeOffset.UtcNow:yyyy-MM-dd'T'HH:mm:ss'Z'}\n");
        text.Append(CultureInfo.InvariantCulture, $"vibepnd:   {ControlMethods.Version}\n");
        text.Append(CultureInfo.InvariantCulture, $"contracts: {ContractVersion.Major}.{ContractVersion.Minor}\n");
        text.Append(CultureInfo.InvariantCulture, $"runtime:   {RuntimeInformation.FrameworkDescription} ({RuntimeInformation.RuntimeIdentifier})\n");
        text.Append(CultureInfo.InvariantCulture, $"kernel:    {RuntimeInformation.OSDescription}\n");
        text.Append(CultureInfo.InvariantCulture, $"processors: {Environment.ProcessorCount}\n");
        text.Append(redact
            ? "redacted:  yes; the same word stands for the same address, name or fingerprint in all files\n"
            : "redacted:  no; addresses, names and fingerprints are as they are\n");
        return text.ToString();
    }

    private async Task<string> AnswerAsync(string method, CancellationToken cancellationToken)
    {
        ControlReply reply = await ask(method, cancellationToken);
        return reply.Error == ControlError.None
            ? JsonSerializer.Serialize(reply.Result, Indented) + "\n"
            : $"{reply.Error}: {reply.Message}\n";
    }

    private string DoctorText() => string.Concat(Checkup.Run(daemon.Files, Machine.Here).Select(check =>
        $"{check.Verdict.ToString().ToUpperInvariant()} {check.Number}) {check.Title}: {check.Detail}\n"
        + string.Concat(check.Remedies.Select(remedy => $"  -> {remedy}\n"))));

    private static string Read(string path)
    {
        var errors = new ConfigErrors(path);
        return OperatorFile.ReadUnguarded(path, errors) ?? string.Join('\n', errors.Sorted) + "\n";
    }

    private static string Interfaces()
    {
        var text = new StringBuilder();
        foreach (NetworkInterface link in NetworkInterface.GetAllNetworkInterfaces().OrderBy(link => link.Name, StringComparer.Ordinal))
        {
            string addresses = string.Join(' ', link.GetIPProperties().UnicastAddresses.Select(address => $"{address.Address}/{address.PrefixLength}"));
            text.Append(CultureInfo.InvariantCulture, $"{link.Name}: {link.OperationalStatus}, {link.NetworkInterfaceType}, {addresses}\n");
        }
        foreach (MachineRoute route in ProcNet.Routes())
            text.Append(CultureInfo.InvariantCulture, $"route {route.Prefix} on {route.Interface}{(route.IsConnected ? "" : " by a gateway")}\n");
        return text.ToString();
    }

    private async Task<string> MetricsAsync(CancellationToken cancellationToken) =>
        await daemon.GetMetricsAsync(cancellationToken) is { Length: > 0 } text ? text : "metrics are off\n";
}
