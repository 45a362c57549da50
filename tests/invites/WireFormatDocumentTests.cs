using System.Text.RegularExpressions;

namespace VibePN.Invites.Tests;

/// <summary>Holds docs/wire-format.md §10 and the codec to each other.</summary>
public sealed partial class WireFormatDocumentTests
{
    [Fact]
    public void The_documented_invite_is_read_as_documented()
    {
        string text = File.ReadAllText(Path.Combine(Root(), "docs", "wire-format.md"));
        Invite? read = InviteText.Read(Block().Match(text).Groups["text"].Value, out InviteProblem problem);
        Assert.Equal(InviteProblem.None, problem);
        using var key = Samples.Key();
        Invite expected = Samples.Standard(key);
        Assert.Equal(expected.Secret.ToArray(), read!.Secret.ToArray());
        Assert.Equal(expected.Addresses, read.Addresses);
        Assert.Equal(expected with { Secret = default, Addresses = [] }, read with { Secret = default, Addresses = [] });
    }

    private static string Root()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "VibePN.Modular.sln")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("These tests run inside the repository.");
    }

    [GeneratedRegex(@"^```invite\n(?<text>[^`]+)```$", RegexOptions.Multiline)]
    private static partial Regex Block();
}
