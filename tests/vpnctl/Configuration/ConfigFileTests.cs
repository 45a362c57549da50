using VibePN.Vpnctl.Configuration;

namespace VibePN.Vpnctl.Tests.Configuration;

public sealed class ConfigFileTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("vpn-config-");

    private string At(string name) => Path.Combine(_folder.FullName, name);

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_replaced_file_keeps_its_mode_and_a_link_stays_a_link()
    {
        File.WriteAllText(At("real.toml"), "a = 1\n");
        const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
        File.SetUnixFileMode(At("real.toml"), Mode);
        File.CreateSymbolicLink(At("config.toml"), "real.toml");
        var file = ConfigFile.Read(At("config.toml"));
        file.Replace("a = 2\n");
        Assert.Equal("a = 2\n", File.ReadAllText(At("real.toml")));
        Assert.Equal(Mode, File.GetUnixFileMode(At("real.toml")));
        Assert.NotNull(new FileInfo(At("config.toml")).LinkTarget);
        Assert.Equal(2, _folder.GetFiles().Length);
    }

    [Fact]
    public void A_byte_order_mark_survives()
    {
        byte[] bytes = [0xEF, 0xBB, 0xBF, .. "a = 1\n"u8];
        File.WriteAllBytes(At("config.toml"), bytes);
        var file = ConfigFile.Read(At("config.toml"));
        file.Replace(file.Text + "b = 2\n");
        Assert.Equal([.. bytes, .. "b = 2\n"u8], File.ReadAllBytes(At("config.toml")));
    }

    [Fact]
    public void What_is_missing_or_no_text_is_explained()
    {
        Assert.Contains("vpnctl init", Assert.Throws<CommandException>(() => ConfigFile.Read(At("none"))).Message, StringComparison.Ordinal);
        File.WriteAllBytes(At("binary"), [0xFF, 0xFE]);
        Assert.Contains("UTF-8", Assert.Throws<CommandException>(() => ConfigFile.Read(At("binary"))).Message, StringComparison.Ordinal);
    }
}
