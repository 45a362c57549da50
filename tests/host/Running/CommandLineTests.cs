using VibePN.Host.Running;

namespace VibePN.Host.Tests.Running;

public sealed class CommandLineTests
{
    [Theory]
    [InlineData("--config a --plugins b --check", "a", "b", CommandAction.Check)]
    [InlineData("-config a", "a", "/etc/vibepn/plugins.toml", CommandAction.Run)]
    [InlineData("--plugins=b", "/etc/vibepn/config.toml", "b", CommandAction.Run)]
    [InlineData("--version", "/etc/vibepn/config.toml", "/etc/vibepn/plugins.toml", CommandAction.Version)]
    [InlineData("-h", "/etc/vibepn/config.toml", "/etc/vibepn/plugins.toml", CommandAction.Help)]
    public void One_dash_or_two_are_the_same(string text, string config, string plugins, object action)
    {
        CommandLine? line = CommandLine.Parse(text.Split(' '), out string error);
        Assert.Equal("", error);
        Assert.Equal(new CommandLine(config, plugins, (CommandAction)action), line);
    }

    [Theory]
    [InlineData("--confg a", "unknown argument '--confg'; did you mean 'config'?")]
    [InlineData("--config", "--config needs a path.")]
    [InlineData("stray", "unknown argument 'stray'.")]
    [InlineData("--check=yes", "unknown argument '--check=yes'; did you mean 'check'?")]
    public void A_wrong_argument_is_named(string text, string message)
    {
        Assert.Null(CommandLine.Parse(text.Split(' '), out string error));
        Assert.Equal(message, error);
    }
}
