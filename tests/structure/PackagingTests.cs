using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace VibePN.Structure.Tests;

/// <summary>What of the package can be told from its files; tools/try-package.sh tries the rest.</summary>
public sealed partial class PackagingTests
{
    private const string Unit = "packaging/vibepn.service";

    [Fact]
    public void Unit_is_exposed_no_more_than_promised()
    {
        string report = Run("systemd-analyze", "security", "--offline=true", "--no-pager", Repository.Absolute(Unit));
        Match score = Score().Match(report);
        Assert.True(score.Success, report);
        Assert.InRange(double.Parse(score.Groups[1].Value, CultureInfo.InvariantCulture), 0, 2.0);
    }

    [Theory]
    [InlineData("Type", "notify")]
    [InlineData("User", "vibepn")]
    [InlineData("AmbientCapabilities", "CAP_NET_ADMIN")]
    [InlineData("CapabilityBoundingSet", "CAP_NET_ADMIN")]
    [InlineData("NoNewPrivileges", "yes")]
    [InlineData("DevicePolicy", "closed")]
    [InlineData("DeviceAllow", "/dev/net/tun rw")]
    [InlineData("StateDirectory", "vibepn")]
    [InlineData("RuntimeDirectory", "vibepn")]
    [InlineData("SocketBindDeny", "1-1023")]
    [InlineData("LimitCORE", "0")]
    public void Unit_says_once(string key, string value) =>
        Assert.Equal([value], Repository.Read(Unit).Split('\n').Where(line => line.StartsWith(key + "=", StringComparison.Ordinal))
            .Select(line => line[(key.Length + 1)..]));

    [Fact]
    public void Manual_has_every_key_of_the_configuration()
    {
        string document = Repository.Read("docs/running.md");
        string section = document[document.IndexOf("\n## config.toml", StringComparison.Ordinal)..document.IndexOf("\n## plugins.toml", StringComparison.Ordinal)];
        string[] keys = [.. Row().Matches(section).SelectMany(row => Key().Matches(row.Groups[1].Value)).Select(key => key.Groups[1].Value)];
        Assert.Contains("sessions.restart_hold", keys);
        string manual = Repository.Read("packaging/man/vibepn-config.5");
        Assert.All(keys, key => Assert.Contains($".B {key}\n", manual, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("packaging/man/vibepn-config.5")]
    [InlineData("packaging/man/vibepnd.8")]
    public void Manual_can_be_shown(string page) =>
        Assert.DoesNotContain("warning", Run("sh", "-c", $"man --warnings --local-file -Tutf8 '{Repository.Absolute(page)}' 2>&1 > /dev/null"),
            StringComparison.Ordinal);

    [Theory]
    [InlineData("postinst")]
    [InlineData("prerm")]
    [InlineData("postrm")]
    public void Maintainer_script_stops_at_the_first_error(string script)
    {
        string text = Repository.Read("packaging/debian/" + script);
        Assert.StartsWith("#!/bin/sh\nset -e\n", text, StringComparison.Ordinal);
        Run("sh", "-n", Repository.Absolute("packaging/debian/" + script));
    }

    private static string Run(string tool, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(tool, arguments) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, output);
        return output;
    }

    [GeneratedRegex(@"Overall exposure level for vibepn\.service: ([0-9.]+)")]
    private static partial Regex Score();

    // A row of a table: its first cell.
    [GeneratedRegex(@"^\| (`.*?) \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"`([a-z0-9_.]+)`")]
    private static partial Regex Key();
}
