using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using VibePN.Engine.Runtime;
using VibePN.Host.Plugins;

namespace VibePN.Host.Doctor;

/// <summary>Checks 12 and 19: whether the certificate is in its time, and whether the clock can be believed.</summary>
internal static class TimeChecks
{
    private const int MaxCertificateBytes = 65_536;

    // As the clock's guard in the daemon: time services step back by less.
    private static readonly TimeSpan Step = TimeSpan.FromMinutes(1);

    // A month to renew in peace, a week, the last day.
    private static readonly (TimeSpan Left, string Word)[] Warnings =
    [
        (TimeSpan.FromDays(1), "within a day"), (TimeSpan.FromDays(7), "within a week"), (TimeSpan.FromDays(30), "within a month"),
    ];

    /// <summary>Check 12.</summary>
    public static Check Certificate(ExaminedConfig config, Machine machine)
    {
        var found = new CheckFindings(12, "certificate/key expiry");
        string? path = PathOf(config);
        using X509Certificate2? certificate = Load(path);
        if (path is null || certificate is null)
        {
            found.NotChecked("the certificate could not be read", "mend checks 2 and 3 first");
            return found.Build("");
        }
        DateTimeOffset end = certificate.NotAfter;
        TimeSpan left = end - machine.Time.GetUtcNow();
        string remedy = $"vpnctl init --identity-only --force --cert {path} --key {config.Text("identity", "key")}; it is a new identity: "
            + $"write its fingerprint into [identity] of {config.Path} and into the peers' files";
        if (end < machine.Built)
            found.Fail($"{path} ended on {Text(end)}, before this daemon was built ({Text(machine.Built)})", remedy);
        else if (left <= TimeSpan.Zero)
            found.Fail($"{path} ended on {Text(end)}: no peer accepts it", remedy);
        else if (Warnings.FirstOrDefault(warning => left <= warning.Left) is { Word: { } word })
            found.Warn($"{path} ends {word}, on {Text(end)}", remedy);
        return found.Build($"valid until {Text(end)}, {(long)left.TotalDays} days");
    }

    /// <summary>Check 19.</summary>
    public static Check Clock(ExaminedConfig config, Machine machine)
    {
        var found = new CheckFindings(19, "clock sanity");
        DateTimeOffset now = machine.Time.GetUtcNow();
        const string SetIt = "set the clock: timedatectl set-ntp true, or date --set '...'";
        if (machine.Built - now > Step)
            found.Fail($"the clock shows {Text(now)}, before this daemon was built ({Text(machine.Built)})", SetIt);
        (DateTimeOffset? kept, string file) = Kept(config);
        if (kept is { } last && last - now > Step)
            found.Fail($"the clock shows {Text(now)}, but it was {Text(last)} already", $"{SetIt}; if it is right now and was ahead before, stop the daemon and remove {file}");
        using X509Certificate2? certificate = Load(PathOf(config));
        if (certificate is not null && new DateTimeOffset(certificate.NotBefore) > now)
            found.Fail($"the clock shows {Text(now)}, but the certificate begins on {Text(certificate.NotBefore)}", SetIt);
        if (found.IsEmpty && machine.IsClockSynchronised() == false)
            found.Warn("nothing keeps the clock right: the kernel says that it is not synchronised", "timedatectl set-ntp true (or start chrony or another time service)");
        return found.Build(Text(now));
    }

    private static (DateTimeOffset? Time, string File) Kept(ExaminedConfig config)
    {
        string file = Path.Combine(config.Draft.Host.StateDirectory, StateFolders.Engine, KeptTime.FileName);
        try
        {
            using FileStream stream = File.OpenRead(file);
            if (stream.Length > KeptTime.MaxBytes)
                return (null, file);
            byte[] bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return (KeptTime.Decode(bytes), file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The first start has none, and check 13 speaks of modes.
            return (null, file);
        }
    }

    private static string? PathOf(ExaminedConfig config) =>
        config.Text("identity", "cert") is { Length: > 0 } path ? Path.GetFullPath(path, config.Folder) : null;

    private static X509Certificate2? Load(string? path)
    {
        try
        {
            return path is null || new FileInfo(path).Length > MaxCertificateBytes
                ? null
                : X509Certificate2.CreateFromPem(File.ReadAllText(path));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CryptographicException)
        {
            return null;
        }
    }

    private static string Text(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
