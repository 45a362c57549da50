using VibePN.Contracts;
using VibePN.Host.Running;

namespace VibePN.Host.Tests.Running;

public sealed class ExitCodesTests
{
    [Theory]
    [InlineData(PluginFault.Internal, 70)]
    [InlineData(PluginFault.Configuration, 78)]
    [InlineData(PluginFault.Privilege, 77)]
    [InlineData(PluginFault.Unavailable, 69)]
    public void A_plugins_fault_decides_the_exit_code(PluginFault fault, int code) =>
        Assert.Equal(code, ExitCodes.Of(fault));
}
