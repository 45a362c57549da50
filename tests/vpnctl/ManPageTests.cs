using System.Diagnostics;
using VibePN.Vpnctl.CommandLine;
using VibePN.Vpnctl.Commands;

namespace VibePN.Vpnctl.Tests;

public sealed class ManPageTests
{
    [Fact]
    public void Page_has_every_command_with_its_options_and_example()
    {
        string page = Outcome.Of("man").Out;
        foreach (Command command in CommandTable.All)
        {
            Assert.Contains($".SS \"{command.Name.Replace("-", "\\-", StringComparison.Ordinal)}", page, StringComparison.Ordinal);
            Assert.Contains(command.Example.Replace("-", "\\-", StringComparison.Ordinal), page, StringComparison.Ordinal);
            foreach (OptionInfo option in OptionInfo.Of(command.OptionsType))
                Assert.Contains($"\\-\\-{option.Name.Replace("-", "\\-", StringComparison.Ordinal)}\\fR", page, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Man_finds_nothing_to_complain_about()
    {
        var start = new ProcessStartInfo("man", ["--warnings", "--local-file", "-Tutf8", "-"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process man = Process.Start(start)!;
        man.StandardInput.Write(Outcome.Of("man").Out);
        man.StandardInput.Close();
        Assert.Contains("vpnctl - asks and steers", man.StandardOutput.ReadToEnd(), StringComparison.Ordinal);
        Assert.Equal("", man.StandardError.ReadToEnd());
    }
}
