using System.Text.RegularExpressions;
using VibePN.Engine.Control;
using VibePN.Engine.Routes;

namespace VibePN.Engine.Tests.Control;

/// <summary>Holds docs/wire-format.md and the codec to each other.</summary>
public sealed partial class WireFormatDocumentTests
{
    private static readonly string Text = File.ReadAllText(Path.Combine(FindRoot(), "docs", "wire-format.md"));

    [Fact]
    public void Every_vector_is_what_the_codec_writes_and_reads()
    {
        (string Name, byte[] Bytes)[] vectors = [.. Blocks("vector")];
        Assert.Equal(
            ControlVectors.All.Select(vector => vector.Name).Order(), vectors.Select(vector => vector.Name).Order());
        byte[] buffer = new byte[ControlLimits.MaxFrame];
        foreach ((string name, byte[] bytes) in vectors)
        {
            int length = ControlVectors.Of(name).Write(buffer);
            Assert.Equal((name, Convert.ToHexString(bytes)), (name, Convert.ToHexString(buffer.AsSpan(0, length))));
            Assert.Equal(ReadResult.Frame, ControlVectors.Digest(bytes, out int consumed));
            Assert.Equal(bytes.Length, consumed);
        }
    }

    [Fact]
    public void Every_stream_to_refuse_is_refused()
    {
        byte[][] streams = [.. Blocks("refused").Select(block => block.Bytes)];
        Assert.Equal(9, streams.Length);
        Assert.All(streams, stream => Assert.Equal(ReadResult.Error, ControlVectors.Digest(stream, out _)));
    }

    [Fact]
    public void Every_message_type_is_documented_with_its_number()
    {
        foreach (ControlType type in Enum.GetValues<ControlType>().Where(type => type != ControlType.None))
        {
            // Types that may be skipped lie beyond ASCII and have no letter.
            string letter = char.IsAscii((char)type) ? $" `{(char)type}`" : "";
            Assert.Matches($@"\b{type},?{letter} 0x{(byte)type:X2}\b", Text);
        }
    }

    [Fact]
    public void Every_close_code_is_documented_with_its_number()
    {
        foreach (var code in Enum.GetValues<Contracts.CloseCode>().Where(code => (int)code < 256))
            Assert.Contains($"| {(int)code} | {code} |", Text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_limits_are_those_of_the_code()
    {
        Assert.Contains($"`{ControlLimits.Protocol}`", Text, StringComparison.Ordinal);
        Assert.Contains($"| control frame | {ControlLimits.MaxFrame:N0} ", Text, StringComparison.Ordinal);
        Assert.Contains($"| items in an Announce or Withdraw | {ControlLimits.MaxItems} |", Text, StringComparison.Ordinal);
        Assert.Contains($"| network name | {ControlLimits.MaxNetworkName} |", Text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_digest_of_the_announced_items_is_the_documented_one()
    {
        ulong hash = 0;
        foreach (RouteItem item in ControlVectors.Announced)
            hash ^= RouteDigest.HashOf(item.Prefix, item.Metric);
        Assert.Contains($"give\n0x{hash:x16}.", Text, StringComparison.Ordinal);
    }

    private static IEnumerable<(string Name, byte[] Bytes)> Blocks(string kind) => BlockPattern().Matches(Text)
        .Where(match => match.Groups["kind"].Value == kind)
        .Select(match => (match.Groups["name"].Value, Bytes(match.Groups["hex"].Value)));

    private static byte[] Bytes(string hex) => Convert.FromHexString(Blank().Replace(hex, ""));

    // The tests run from their output folder, somewhere below the solution.
    internal static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "VibePN.Modular.sln")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("The solution's folder was not found.");
    }

    [GeneratedRegex(@"^```(?<kind>vector|refused) ?(?<name>\w*)\n(?<hex>[0-9a-f \n]+)```$", RegexOptions.Multiline)]
    private static partial Regex BlockPattern();

    [GeneratedRegex(@"\s")]
    private static partial Regex Blank();
}
