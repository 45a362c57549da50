using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using VibePN.Contracts;
using VibePN.Engine.Forwarding;
using VibePN.Engine.Node;
using VibePN.Engine.Packets;
using VibePN.Engine.Time;

namespace VibePN.Engine.Runtime;

/// <summary>One ping: questions on the way that the kernel's packets take, and the answers from the way back.</summary>
/// <remarks>Questions are made on the control thread, so that they see what is published; answers come on packet threads.</remarks>
internal sealed class PingRun : IDisposable
{
    private readonly PingRequest _request;
    private readonly PingTarget _target;
    private readonly TimeProvider _time;
    private readonly Func<Instant> _clock;
    private readonly EchoRun _run;
    private readonly PacketBatch _batch = new(capacity: 1, arenaBytes: PacketBatch.MaxPacketSize + 1024);
    private readonly byte[] _payload;
    private readonly SortedDictionary<int, Instant> _waiting = [];
    private NetworkPort? _port;
    private OutboundPath? _path;

    /// <summary>A ping that has not begun.</summary>
    public PingRun(PingRequest request, PingTarget target, ulong token, TimeProvider time, Func<Instant> clock)
    {
        (_request, _target, _time, _clock) = (request, target, time, clock);
        _run = new EchoRun(token, clock);
        _payload = new byte[request.Size];
        for (int i = 0; i < _payload.Length; i++)
            _payload[i] = (byte)i;
        BinaryPrimitives.WriteUInt64BigEndian(_payload, token);
    }

    /// <summary>Pings until all questions are answered or given up.</summary>
    /// <param name="invoke">Runs something on the control thread.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async IAsyncEnumerable<PingStep> RunAsync(
        Func<Func<ControlPlane, Instant, PingStep>, Task<PingStep>> invoke, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Instant due = _clock();
        for (int sequence = 1; _request.Count == 0 || sequence <= _request.Count || _waiting.Count > 0;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            bool hasMore = _request.Count == 0 || sequence <= _request.Count;
            if (hasMore && _clock() >= due)
            {
                int number = sequence++;
                PingStep sent = await invoke((plane, now) => Ask(plane, number));
                due += _request.Interval;
                if (sent.Kind != PingStepKind.Answer)
                    yield return sent;
            }
            foreach (PingStep step in await NextAsync(hasMore ? due : Instant.Never, cancellationToken))
                yield return step.Kind == PingStepKind.Answer ? await invoke((plane, _) => Complete(plane, step)) : step;
        }
    }

    /// <summary>Waits for answers no longer. On the control thread.</summary>
    public void Dispose()
    {
        _port?.Echoes.Remove(_run);
        _path?.Dispose();
        _batch.Dispose();
    }

    /// <summary>Sends one question. An interface that was made anew has another port.</summary>
    private PingStep Ask(ControlPlane plane, int sequence)
    {
        if (plane.Networks.Find(_target.Network)?.Port is not { } port)
            return Dropped(sequence, DropReason.NoSession, $"network {_target.Network} has no interface now");
        if (!ReferenceEquals(port, _port))
        {
            _port?.Echoes.Remove(_run);
            _path?.Dispose();
            _port = port;
            _path = new OutboundPath(port, batchCapacity: 1, _clock);
            port.Echoes.Add(_run);
        }
        _batch.Clear();
        int length = IcmpEcho.LengthOf(_target.Destination.Family, _payload.Length);
        _batch.TryReserve(length, out Span<byte> packet);
        IcmpEcho.Build(_target.Source, _target.Destination, EchoDesk.Identifier, (ushort)sequence, _payload, packet[..length]);
        _batch.Commit(length);
        Instant sent = _clock();
        OutboundDecision way = _path!.SendOwn(_batch);
        if (way.Reason == DropReason.None)
        {
            _waiting[sequence] = sent;
            return new PingStep(PingStepKind.Answer);
        }
        string hop = way.Port is { } to ? plane.NameOf(to.Peer) : "";
        string text = way.Reason == DropReason.TooBig
            ? $"{length} bytes do not pass to {hop} in one packet: at most {way.Active!.Connection.Path.MaxPacketBytes} bytes do, less with --size"
            : $"'vpnctl route explain {_target.Destination} --network {_target.Network}' says why";
        return Dropped(sequence, way.Reason, text) with { Peer = hop, Remote = way.Active?.Connection.Path.Remote };
    }

    /// <summary>Waits until something is due: an answer, a question to send, or one to give up.</summary>
    private async Task<List<PingStep>> NextAsync(Instant due, CancellationToken cancellationToken)
    {
        Instant until = _waiting.Count > 0 ? Instant.Min(due, _waiting.Values.First() + _request.Wait) : due;
        List<PingStep> steps = [];
        if (until == Instant.Never)
            return steps;
        TimeSpan wait = until - _clock();
        if (wait > TimeSpan.Zero)
            await WaitAsync(wait, cancellationToken);
        while (_run.Answers.TryRead(out EchoAnswer answer))
        {
            // The number on the wire has 16 bits; a repeated answer finds nobody waiting.
            int sequence = _waiting.Keys.FirstOrDefault(number => (ushort)number == answer.Sequence);
            if (sequence > 0 && _waiting.Remove(sequence, out Instant sent))
                steps.Add(Answered(sequence, answer, answer.At - sent));
        }
        Instant now = _clock();
        foreach (int lost in _waiting.Where(pair => now >= pair.Value + _request.Wait).Select(pair => pair.Key).ToArray())
        {
            _waiting.Remove(lost);
            steps.Add(new PingStep(PingStepKind.Lost)
            {
                Sequence = lost, Network = _target.Network, Address = _target.Destination,
                Text = $"no answer within {_request.Wait.TotalSeconds:0.###} s",
            });
        }
        return steps;
    }

    private async Task WaitAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        using var timer = new CancellationTokenSource(wait, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        try
        {
            await _run.Answers.WaitToReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (timer.IsCancellationRequested)
        {
            // Something is due.
        }
    }

    private PingStep Answered(int sequence, EchoAnswer answer, TimeSpan roundTrip) => new(PingStepKind.Answer)
    {
        Sequence = sequence, Network = _target.Network, Address = answer.From, Bytes = answer.Bytes, HopLimit = answer.HopLimit,
        RoundTrip = roundTrip, Peer = answer.Peer.ToString(),
    };

    /// <summary>Names the peer that an answer came through, and where it is.</summary>
    private static PingStep Complete(ControlPlane plane, PingStep step)
    {
        Fingerprint identity = Fingerprint.Parse(step.Peer);
        return step with
        {
            Peer = plane.NameOf(identity),
            Remote = plane.Peers.FirstOrDefault(peer => peer.Identity == identity)?.Active?.Transport.Path.Remote,
        };
    }

    private PingStep Dropped(int sequence, DropReason reason, string text) => new(PingStepKind.Dropped)
    {
        Sequence = sequence, Network = _target.Network, Address = _target.Destination, Drop = reason, Text = text,
    };
}
