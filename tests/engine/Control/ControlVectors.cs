using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine.Control;

namespace VibePN.Engine.Tests.Control;

/// <summary>One message of each type: its name in docs/wire-format.md, its bytes and how this code writes it.</summary>
internal sealed record ControlVector(string Name, string Hex, Func<byte[], int> Write)
{
    public byte[] Bytes => Convert.FromHexString(Hex.Replace(" ", "", StringComparison.Ordinal));

    public override string ToString() => Name;
}

internal static class ControlVectors
{
    public static ImmutableArray<NumberedNetwork> Networks { get; } = [new(0, "corp"), new(31, "lab-2")];

    public static HelloMessage Hello { get; } = new(1, 0x0102030405060708, 5, Networks);

    public static HelloAckMessage HelloAck { get; } = new(1, 0x1112131415161718, 5, 0x0102030405060708, Networks);

    public static RouteItem[] Announced { get; } =
    [
        new(IpPrefix.Parse("10.42.0.5/32"), 256),
        new(IpPrefix.Parse("10.43.16.0/20"), 1),
        new(IpPrefix.Parse("fd00:42::/48"), 0xFFFFFFFE),
        new(IpPrefix.Parse("0.0.0.0/0"), 0),
    ];

    public static IpPrefix[] Withdrawn { get; } = [IpPrefix.Parse("10.42.0.5/32"), IpPrefix.Parse("fd00:42::7/128")];

    public static ControlVector[] All { get; } =
    [
        new("Hello", "00 20 48 01 01 02 03 04 05 06 07 08 00 00 00 00 00 00 00 05 "
            + "02 00 04 63 6f 72 70 1f 05 6c 61 62 2d 32",
            buffer => ControlWriter.WriteHello(buffer, Hello)),
        new("HelloAck", "00 28 68 01 11 12 13 14 15 16 17 18 00 00 00 00 00 00 00 05 01 02 03 04 05 06 07 08 "
            + "02 00 04 63 6f 72 70 1f 05 6c 61 62 2d 32",
            buffer => ControlWriter.WriteHelloAck(buffer, HelloAck)),
        new("Confirm", "00 01 43", buffer => ControlWriter.WriteConfirm(buffer)),
        new("Ready", "00 01 52", buffer => ControlWriter.WriteReady(buffer)),
        new("Renew", "00 01 d2", buffer => ControlWriter.WriteRenew(buffer)),
        new("Drain", "00 01 44", buffer => ControlWriter.WriteDrain(buffer)),
        new("Announce", "00 28 41 00 04 04 20 0a 2a 00 05 00 00 01 00 04 14 0a 2b 10 00 00 00 01 "
            + "06 30 fd 00 00 42 00 00 ff ff ff fe 04 00 00 00 00 00",
            buffer => ControlWriter.WriteAnnounce(buffer, 0, Announced)),
        new("Withdraw", "00 1b 57 1f 02 04 20 0a 2a 00 05 06 80 fd 00 00 42 00 00 00 00 00 00 00 00 00 00 00 07",
            buffer => ControlWriter.WriteWithdraw(buffer, 31, Withdrawn)),
        new("Begin", "00 02 42 00", buffer => ControlWriter.WriteBegin(buffer, 0)),
        new("End", "00 02 45 00", buffer => ControlWriter.WriteEnd(buffer, 0)),
        new("Digest", "00 0e 49 1f 00 00 03 e8 0a 0b 0c 0d 0e 0f 10 11",
            buffer => ControlWriter.WriteDigest(buffer, new DigestMessage(31, 1000, 0x0A0B0C0D0E0F1011))),
        new("Refresh", "00 02 46 1f", buffer => ControlWriter.WriteRefresh(buffer, 31)),
        new("Keepalive", "00 09 4b 00 00 00 00 69 55 b9 00",
            buffer => ControlWriter.WriteKeepalive(buffer, 1_767_225_600)),
        new("KeepaliveReply", "00 09 6b 00 00 00 00 69 55 b9 00",
            buffer => ControlWriter.WriteKeepaliveReply(buffer, 1_767_225_600)),
        new("Goodbye", "00 04 47 09 00 78", buffer => ControlWriter.WriteGoodbye(buffer, new GoodbyeMessage(9, 120))),
        new("Claim", "00 09 c1 00 04 0a 2a 00 05 00 02",
            buffer => ControlWriter.WriteClaim(buffer, new ClaimMessage(0, IpAddress.Parse("10.42.0.5"), 2))),
        new("ClaimLost", "00 34 cc 1f 06 fd 00 00 42 00 00 00 00 00 00 00 00 00 00 00 07 01 "
            + "e3 b0 c4 42 98 fc 1c 14 9a fb f4 c8 99 6f b9 24 27 ae 41 e4 64 9b 93 4c a4 95 99 1b 78 52 b8 55",
            buffer => ControlWriter.WriteClaimLost(
                buffer, new ClaimLostMessage(31, IpAddress.Parse("fd00:42::7"), true, Fingerprint.Of([])))),
        new("VerifyCommit", "00 21 d6 " + Run(0x00), buffer => ControlWriter.WriteVerifyCommit(buffer, Bytes32(0x00))),
        new("VerifyNonce", "00 41 f6 " + Run(0x00) + Run(0x40),
            buffer => ControlWriter.WriteVerifyNonce(buffer, [.. Bytes32(0x00), .. Bytes32(0x40)])),
        new("VerifyReveal", "00 21 f7 " + Run(0x80), buffer => ControlWriter.WriteVerifyReveal(buffer, Bytes32(0x80))),
    ];

    public static TheoryData<string> Names => new(All.Select(vector => vector.Name));

    public static ControlVector Of(string name) => All.Single(vector => vector.Name == name);

    /// <summary>Reads and parses everything in a frame, as a session would.</summary>
    /// <returns>What a session would do: go on, or end with an error.</returns>
    public static ReadResult Digest(ReadOnlySpan<byte> source, out int consumed)
    {
        ReadResult result = ControlReader.TryRead(source, out ControlFrame frame, out consumed);
        if (result != ReadResult.Frame || ParseBody(frame))
            return result;
        consumed = 0;
        return ReadResult.Error;
    }

    public static bool ParseBody(ControlFrame frame) => frame.Type switch
    {
        ControlType.Hello => HelloMessage.TryParse(frame.Body, out _),
        ControlType.HelloAck => HelloAckMessage.TryParse(frame.Body, out _),
        ControlType.Announce or ControlType.Withdraw => WalkItems(frame),
        ControlType.Begin or ControlType.End or ControlType.Refresh => NetworkMessage.TryParse(frame.Body, out _),
        ControlType.Digest => DigestMessage.TryParse(frame.Body, out _),
        ControlType.Keepalive or ControlType.KeepaliveReply => KeepaliveMessage.TryParse(frame.Body, out _),
        ControlType.Goodbye => GoodbyeMessage.TryParse(frame.Body, out _),
        ControlType.Claim => ClaimMessage.TryParse(frame.Body, out _),
        ControlType.ClaimLost => ClaimLostMessage.TryParse(frame.Body, out _),
        ControlType.VerifyCommit => VerifyCommitMessage.TryParse(frame.Body, out _),
        ControlType.VerifyNonce => VerifyNonceMessage.TryParse(frame.Body, out _),
        ControlType.VerifyReveal => VerifyRevealMessage.TryParse(frame.Body, out _),
        _ => frame.Body.IsEmpty,
    };

    private static byte[] Bytes32(byte first) => [.. Enumerable.Range(first, 32).Select(value => (byte)value)];

    private static string Run(byte first) => Convert.ToHexStringLower(Bytes32(first));

    private static bool WalkItems(ControlFrame frame)
    {
        if (!RouteItemReader.TryOpen(frame, out RouteItemReader reader))
            return false;
        int items = 0;
        while (reader.TryNext(out _))
            items++;
        return items == reader.Count;
    }
}
