using VibePN.Vpnctl.Configuration;

namespace VibePN.Vpnctl.Tests.Configuration;

public sealed class ConfigEditorTests
{
    private static readonly PeerEntry Peer = new("node9", ["198.51.100.20:51820"], new string('a', 64), ["corp"]);
    private static readonly NetworkEntry Network = new("new.net", "10.77.0.0/24", "fd77::/64", "auto", true);

    [Fact]
    public void An_edit_is_one_insertion_and_every_other_byte_stays()
    {
        int inside = 0;
        for (int seed = 0; seed < 3_000; seed++)
        {
            string text = new RandomToml(seed).Write();
            Assert.True(TomlTree.Parse(text, out string error) is not null, $"seed {seed}: {error}\n{text}");
            foreach (Action<ConfigEditor> edit in new Action<ConfigEditor>[] { editor => editor.AddPeer(Peer), editor => editor.AddNetwork(Network) })
            {
                var editor = new ConfigEditor("config.toml", text);
                edit(editor);
                int head = CommonStart(text, editor.Text);
                int tail = text.Length - head;
                Assert.True(
                    editor.Text.Length > text.Length && editor.Text.EndsWith(text[head..], StringComparison.Ordinal),
                    $"seed {seed}: more than an insertion\n{text}\n---\n{editor.Text}");
                inside += tail > 0 ? 1 : 0;
                AssertAdded(seed, text, editor.Text);
            }
        }
        Assert.InRange(inside, 500, 5_500); // both kinds of insertion came about
    }

    [Fact]
    public void A_table_is_added_at_the_end_in_the_files_own_line_ends()
    {
        Assert.Equal("""
            # mine
            [networks.corp] # ours
            prefix = "10.42.0.0/24"

            [[peers]]
            name = "node9"
            address = "198.51.100.20:51820"
            fingerprint = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
            networks = ["corp"]

            """, Edited("""
            # mine
            [networks.corp] # ours
            prefix = "10.42.0.0/24"
            """, editor => editor.AddPeer(Peer)));
        Assert.Equal(
            "a = 1\r\n\r\n[networks.\"new.net\"]\r\nprefix = \"10.77.0.0/24\"\r\naddress = \"auto\"\r\nprefix6 = \"fd77::/64\"\r\naddress6 = \"auto\"\r\nexport = true\r\n",
            Edited("a = 1\r\n", editor => editor.AddNetwork(Network)));
    }

    [Fact]
    public void The_predecessors_empty_list_is_filled()
    {
        string edited = Edited("peers = []\n\n[identity]\n  cert = \"x\"\n", editor => editor.AddPeer(Peer));
        Assert.StartsWith("peers = [{ name = \"node9\", address = ", edited, StringComparison.Ordinal);
        Assert.EndsWith("] }]\n\n[identity]\n  cert = \"x\"\n", edited, StringComparison.Ordinal);
    }

    [Fact]
    public void A_peer_that_is_there_gets_one_network_more()
    {
        string text = "[[peers]]\nname = \"a\"\nnetworks = [\"corp\"] # one\n[[peers]]\nname = \"b\"\nnetworks = []\n";
        Assert.Equal(text.Replace("[]", "[\"lab\"]", StringComparison.Ordinal), Edited(text, editor => editor.AddMembership(1, "lab")));
        Assert.Equal(text.Replace("[\"corp\"]", "[\"corp\", \"lab\"]", StringComparison.Ordinal), Edited(text, editor => editor.AddMembership(0, "lab")));
    }

    [Theory]
    [InlineData("peers = \"none\"\n")]
    [InlineData("[peers]\nx = 1\n")]
    [InlineData("[[a]]\nb = 1\n[a.c]\n[[peers.x]]\n")]
    public void What_cannot_be_edited_is_left_alone_with_the_lines_to_add(string text)
    {
        var editor = new ConfigEditor("config.toml", text);
        CommandException error = Assert.Throws<CommandException>(() => editor.AddPeer(Peer));
        Assert.Contains("[[peers]]\n  name = \"node9\"", error.Message, StringComparison.Ordinal);
        Assert.Equal(text, editor.Text);
    }

    [Fact]
    public void A_broken_file_is_not_edited()
    {
        CommandException error = Assert.Throws<CommandException>(() => new ConfigEditor("config.toml", "a = \n[b\n"));
        Assert.Contains("line 1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_that_are_taken_get_a_number()
    {
        var editor = new ConfigEditor("config.toml", "[[peers]]\nname = \"a\"\n[[peers]]\nname = \"a-2\"\n");
        Assert.Equal(("a-3", "b"), (editor.FreeName("a"), editor.FreeName("b")));
    }

    private static string Edited(string text, Action<ConfigEditor> edit)
    {
        var editor = new ConfigEditor("config.toml", text);
        edit(editor);
        return editor.Text;
    }

    // Independent of the editor's own check: the values are looked up one by one.
    private static void AssertAdded(int seed, string before, string after)
    {
        var old = new ConfigEditor("before", before);
        var editor = new ConfigEditor("after", after);
        int peers = editor.Peers.Count() - old.Peers.Count();
        int networks = editor.Networks.Count - old.Networks.Count;
        Assert.True(peers + networks == 1, $"seed {seed}\n{after}");
        if (peers == 1)
            Assert.Equal(Peer.Fingerprint, TomlTree.Text(editor.Peers.Last(), "fingerprint"));
        else
            Assert.Equal("fd77::/64", TomlTree.Text(editor.Network("new.net"), "prefix6"));
        foreach ((string key, object value) in old.Tree.Root.Where(pair => pair.Key is not ("peers" or "networks")))
            Assert.True(TomlTree.AreSame(value, editor.Tree.Root[key]), $"seed {seed}: {key}");
        Assert.All(old.Networks, name => Assert.True(TomlTree.AreSame(
            TomlTree.Table(old.Tree.Root, "networks")![name], TomlTree.Table(editor.Tree.Root, "networks")![name])));
        Assert.All(old.Peers.Zip(editor.Peers), pair => Assert.True(TomlTree.AreSame(pair.First, pair.Second)));
    }

    private static int CommonStart(string left, string right)
    {
        int at = 0;
        while (at < left.Length && at < right.Length && left[at] == right[at])
            at++;
        return Math.Min(at, left.Length);
    }
}
