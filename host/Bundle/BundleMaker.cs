using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Host.Configuration;
using VibePN.Host.Control;
using VibePN.Host.Doctor;
using VibePN.Host.Running;

namespace VibePN.Host.Bundle;

/// <summary>One file of a bundle.</summary>
/// <param name="Name">A bare file name.</param>
/// <param name="Text">What is in it.</param>
internal sealed record BundleFile(string Name, string Text);

/// <summary>Gathers what somebody who helps needs to see, without keys and secrets.</summary>
/// <param name="line">Where the files are.</param>
/// <param name="redact">Whether addresses, names and fingerprints are replaced.</param>
internal sealed class BundleMaker(CommandLine line, bool redact)
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

    /// <summary>Gathers in a daemon that runs.</summary>
    /// <param name="daemon">The daemon.</param>
    /// <param name="ask">Runs one of its own control methods as a viewer.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<ImmutableArray<BundleFile>> MakeAsync(
        IDaemon daemon, Func<string, CancellationToken, Task<ControlReply>> ask, CancellationToken cancellationToken)
    {
        List<BundleFile> files = [new("about.txt", About())];
        foreach ((string file, string method) in Answers)
            files.Add(new BundleFile(file, Text(await ask(method, cancellationToken))));
        ExaminedConfig config = ExaminedConfig.Read(line.ConfigPath);
        files.AddRange(await Task.Run(() => OnDisk(config), cancellationToken));
        files.Add(new BundleFile("log.txt", daemon.RecentLog.Count == 0 ? "nothing was logged\n" : string.Join('\n', daemon.RecentLog) + "\n"));
        string metrics = await daemon.GetMetricsAsync(cancellationToken);
        files.Add(new BundleFile("metrics.txt", metrics.Length > 0 ? metrics : "metrics are off\n"));
        // The file may say more than what is in effect: peers that wait for a reload.
        EngineConfiguration inEffect = await daemon.GetConfigurationAsync(cancellationToken);
        return Finish(files, [.. inEffect.Peers, .. config.Draft.Peers], [.. inEffect.Networks, .. config.Draft.Networks]);
    }

    /// <summary>Gathers what there is without a daemon.</summary>
    public ImmutableArray<BundleFile> MakeOffline()
    {
        ExaminedConfig config = ExaminedConfig.Read(line.ConfigPath);
        return Finish([new BundleFile("about.txt", About() + "daemon:    not asked\n"), .. OnDisk(config)], config.Draft.Peers, config.Draft.Networks);
    }

    /// <summary>The members of a file.</summary>
    public static void Write(Utf8JsonWriter writer, BundleFile file)
    {
        writer.WriteString("name", file.Name);
        writer.WriteString("text", file.Text);
    }

    private List<BundleFile> OnDisk(ExaminedConfig config)
    {
        // The names in a file that is no TOML are not known, so they could not be replaced.
        bool isShown = config.IsLegible || !redact;
        return
        [
            new("doctor.txt", isShown ? DoctorText() : $"{line.ConfigPath} is not to be read as TOML; run vpnctl doctor\n"),
            new("config.toml", isShown ? Read(line.ConfigPath) : "left out: it is not to be read as TOML, so the names in it are not known\n"),
            new("plugins.toml", Read(line.PluginsPath)),
            new("interfaces.txt", Interfaces()),
        ];
    }

    private ImmutableArray<BundleFile> Finish(
        IEnumerable<BundleFile> files, ImmutableArray<PeerConfiguration> peers, ImmutableArray<NetworkConfiguration> networks)
    {
        Pseudonyms? pseudonyms = redact ? new Pseudonyms(peers, networks, Environment.MachineName) : null;
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

    private string About()
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

    private static string Text(ControlReply reply) => reply.Error == ControlError.None
        ? JsonSerializer.Serialize(reply.Result, Indented) + "\n"
        : $"{reply.Error}: {reply.Message}\n";

    private string DoctorText() => string.Concat(Checkup.Run(line, Machine.Here).Select(check =>
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
        foreach (MachineLink link in MachineLink.All())
        {
            string addresses = string.Join(' ', link.Addresses.Select(address => $"{address.Address}/{address.Length}"));
            text.Append(CultureInfo.InvariantCulture, $"{link.Name}: {link.State}, {addresses}\n");
        }
        foreach (MachineRoute route in ProcNet.Routes())
            text.Append(CultureInfo.InvariantCulture, $"route {route.Prefix} on {route.Interface}{(route.IsConnected ? "" : " by a gateway")}\n");
        return text.ToString();
    }
}
