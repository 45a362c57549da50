using VibePN.Engine.Control;

namespace VibePN.Engine.Tests.Control;

public sealed class ControlFramerTests
{
    private static byte[] Stream => [.. ControlVectors.All.SelectMany(vector => vector.Bytes)];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(40)]
    [InlineData(1000)]
    public void Frames_come_out_alike_however_the_stream_is_cut(int piece)
    {
        var framer = new ControlFramer();
        var frames = new List<byte[]>();
        byte[] stream = Stream;
        for (int at = 0; at < stream.Length; at += piece)
        {
            ReadOnlySpan<byte> bytes = stream.AsSpan(at, Math.Min(piece, stream.Length - at));
            while (framer.TryNext(ref bytes, out ControlFrame frame) == ReadResult.Frame)
                frames.Add([(byte)frame.Type, .. frame.Body]);
            Assert.True(bytes.IsEmpty);
        }
        Assert.Equal(ControlVectors.All.Select(vector => vector.Bytes[2..]), frames);
        Assert.Equal(0, framer.Held);
    }

    [Fact]
    public void Random_pieces_of_random_frames_come_out_whole()
    {
        var random = new Random(7);
        for (int run = 0; run < 200; run++)
        {
            var framer = new ControlFramer();
            (byte[] stream, List<byte[]> bodies) = RandomStream(random);
            var seen = new List<byte[]>();
            for (int at = 0; at < stream.Length;)
            {
                int piece = Math.Min(random.Next(1, random.Next(2) == 0 ? 20 : 40_000), stream.Length - at);
                ReadOnlySpan<byte> bytes = stream.AsSpan(at, piece);
                while (framer.TryNext(ref bytes, out ControlFrame frame) == ReadResult.Skip)
                    seen.Add(frame.Body.ToArray());
                Assert.InRange(framer.Held, 0, ControlLimits.MaxFrame - 1);
                at += piece;
            }
            Assert.Equal(bodies, seen);
        }
    }

    [Fact]
    public void An_error_ends_the_stream_for_good()
    {
        var framer = new ControlFramer();
        ReadOnlySpan<byte> bytes = [0x00, 0x00];
        Assert.Equal(ReadResult.Error, framer.TryNext(ref bytes, out ControlFrame frame));
        Assert.Equal(ControlProblem.ZeroLength, frame.Problem);
        bytes = [0x00, 0x01, 0x43];
        Assert.Equal(ReadResult.Error, framer.TryNext(ref bytes, out frame));
        Assert.Equal(ControlProblem.ZeroLength, frame.Problem);
    }

    [Fact]
    public void A_claimed_length_takes_no_memory()
    {
        var framer = new ControlFramer();
        ReadOnlySpan<byte> bytes = [0x40, 0x00, 0x80];
        long before = GC.GetAllocatedBytesForCurrentThread();
        ReadResult result = framer.TryNext(ref bytes, out _);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 512);
        Assert.Equal(ReadResult.NeedMore, result);
        Assert.Equal(3, framer.Held);
    }

    private static (byte[] Stream, List<byte[]> Bodies) RandomStream(Random random)
    {
        var stream = new List<byte>();
        var bodies = new List<byte[]>();
        for (int frames = random.Next(1, 20); frames > 0; frames--)
        {
            byte[] body = new byte[random.Next(4) == 0 ? random.Next(ControlLimits.MaxLength) : random.Next(50)];
            random.NextBytes(body);
            int length = body.Length + 1;
            stream.AddRange([(byte)(length >> 8), (byte)length, 0x80]);
            stream.AddRange(body);
            bodies.Add(body);
        }
        return ([.. stream], bodies);
    }
}
