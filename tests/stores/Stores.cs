using System.Diagnostics.Metrics;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using VibePN.Contracts;
using VibePN.Engine.Runtime;
using VibePN.Engine.Trust;
using VibePN.Host.Enrolment;
using VibePN.Host.Native;
using VibePN.Host.Plugins;
using VibePN.Plugins.TrustTofu;
using VibePN.Testkit;
using static VibePN.Testkit.Shown;

namespace VibePN.Stores.Tests;

/// <summary>A store as its owner uses it: one value before, one after, and a look at what is there.</summary>
/// <remarks>The values of a kind are ordered, so that "old or new" can be told from anything else.</remarks>
internal abstract class Store
{
    /// <summary>Every kind of store there is.</summary>
    public static readonly string[] Kinds = ["file", "first file", "number", "clock", "pins", "enrolled"];

    /// <summary>The folder that a kind's files are in, below the state directory.</summary>
    public const string Folder = "state/owner";

    /// <summary>The store of a kind, over some file system.</summary>
    public static Store Of(string kind, IFileCalls files, string root)
    {
        var store = new PluginStore(Path.Combine(root, Folder), files);
        return kind switch
        {
            "file" => new FileStore(store),
            "first file" => new FileStore(store) { IsFirst = true },
            "number" => new NumberStore(store),
            "clock" => new ClockStore(store),
            "pins" => new PinsStore(store),
            "enrolled" => new EnrolledStore(new EnrolmentStore(store)),
            _ => throw new ArgumentException(kind),
        };
    }

    /// <summary>Makes value 1 durable, where a kind has one before the write that matters.</summary>
    public virtual void Prepare() => Write(1);

    /// <summary>Makes a value durable: 2, then 3 after a crash. Throws IOException when it is not.</summary>
    public abstract void Write(int value);

    /// <summary>The value that is there; 0 for none. Anything torn throws.</summary>
    public abstract int Read();

    private class FileStore(PluginStore store) : Store
    {
        public bool IsFirst { get; init; }

        public override void Prepare()
        {
            if (!IsFirst)
                Write(1);
        }

        public override void Write(int value) => store.Write("data", Content(value));

        public override int Read()
        {
            byte[]? bytes = store.Read("data", 1 << 20);
            if (bytes is null)
                return 0;
            int value = bytes.Length > 0 ? bytes[0] - '0' : throw new InvalidDataException("empty");
            return bytes.AsSpan().SequenceEqual(Content(value)) ? value : throw new InvalidDataException("torn");
        }

        // Long enough for several pages, and every byte depends on the value.
        private static byte[] Content(int value) =>
        [
            .. Encoding.ASCII.GetBytes($"{value}"),
            .. Enumerable.Range(0, 9_000 + value).Select(i => (byte)(i * (value + 7))),
        ];
    }

    /// <summary>Instance numbers under a clock that stands still: only what is on disk makes the next one larger.</summary>
    private sealed class NumberStore(PluginStore store) : Store
    {
        private static readonly StandingClock Clock = new(Now);

        public override void Write(int value)
        {
            ulong number = Next();
            // After a crash the number may have grown by one more; it may never stay or go back.
            Assert.InRange(number, First + (ulong)value - 2, First + (ulong)value - 1);
        }

        public override int Read()
        {
            ulong? number = StateFile.Read(store, "instance", out string? fault);
            Assert.Null(fault);
            return number is { } found ? (int)(found - First) + 1 : 0;
        }

        private static ulong First => (ulong)Now.ToUnixTimeMilliseconds();

        private ulong Next()
        {
            try
            {
                return InstanceNumber.Next(store, Clock, new ClockGuard(Clock), NullLogger.Instance);
            }
            catch (PluginException exception)
            {
                throw exception.InnerException!;
            }
        }
    }

    private sealed class ClockStore(PluginStore store) : Store
    {
        public override void Write(int value) => StateFile.Write(store, "clock", (ulong)value);

        public override int Read()
        {
            ulong? value = StateFile.Read(store, "clock", out string? fault);
            Assert.Null(fault);
            return (int)(value ?? 0);
        }
    }

    /// <summary>Used invites and the peers that used them: write i lets in peer i, in one step with the end of its invite.</summary>
    private sealed class EnrolledStore(EnrolmentStore store) : Store
    {
        private const int Invites = 4;

        public override void Write(int value) => store.Write(new EnrolmentBook(
            [.. Enumerable.Range(1, Invites).Select(i => InviteOf(i, isUsed: i <= value))],
            [.. Enumerable.Range(1, value).Select(i => new EnrolledPeer($"n{i}", PeerOf(i), ["corp"], Now))]));

        public override int Read()
        {
            EnrolmentBook book = store.Read();
            // Never a peer whose invite can be used again, never a used invite without its peer.
            Assert.Equal(
                book.Invites.Where(invite => invite.State == InviteState.Used).Select(invite => invite.UsedBy),
                book.Peers.Select(peer => (Fingerprint?)peer.Fingerprint));
            Assert.Equal(Enumerable.Range(1, book.Peers.Length).Select(PeerOf), book.Peers.Select(peer => peer.Fingerprint));
            return book.Peers.Length;
        }

        private static InviteRecord InviteOf(int number, bool isUsed) => new()
        {
            Id = number.ToString("x32", null),
            Network = "corp",
            Secret = number.ToString("x32", null),
            Created = Now,
            NotAfter = Now.AddMinutes(15),
            State = isUsed ? InviteState.Used : InviteState.Open,
            UsedBy = isUsed ? PeerOf(number) : null,
        };

        private static Fingerprint PeerOf(int number) => Fingerprint.Parse(number.ToString("x64", null));
    }

    /// <summary>The pins of trust-tofu: peer number i is pinned on first use by write i.</summary>
    private sealed class PinsStore(PluginStore store) : Store
    {
        private static readonly Shown[] Certificates = [A, B, C];

        public override void Write(int value)
        {
            TofuTrust trust = Started();
            TrustRequest request = Certificates[value - 1].Dialled(Peer($"n{value}"));
            TrustVerdict verdict = trust.Decide(request);
            string? fault = verdict.Outcome == TrustOutcome.Accept
                ? trust.CommitAsync(request, verdict, default).AsTask().GetAwaiter().GetResult()
                : verdict.Text;
            if (fault is not null)
                throw new IOException(fault);
        }

        public override int Read()
        {
            TrustListing listing = Started().List();
            if (!listing.Healthy)
                throw new InvalidDataException(listing.HealthText);
            Assert.Equal(
                Enumerable.Range(1, listing.Records.Length).Select(i => $"n{i}"),
                listing.Records.Select(record => record.Peer));
            return listing.Records.Length;
        }

        private TofuTrust Started()
        {
            var trust = new TofuTrust(new StoreContext(store));
            trust.StartAsync(default).AsTask().GetAwaiter().GetResult();
            return trust;
        }
    }
}

/// <summary>A clock that shows one time.</summary>
internal sealed class StandingClock(DateTimeOffset now) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => now;
}

/// <summary>What a trust plugin gets of its host, with the host's real files.</summary>
internal sealed class StoreContext(IPluginStore store) : IPluginContext, IPluginSettings
{
    public string Name => "trust-tofu";

    public ILogger Logger => NullLogger.Instance;

    public TimeProvider Time { get; } = new StandingClock(Now);

    public Random Random => throw new NotSupportedException();

    public Meter Meter => throw new NotSupportedException();

    public IPluginSettings Settings => this;

    public IPluginStore Store => store;

    public CancellationToken Stopping => default;

    public bool GetBoolean(string name) => name == "first_use";

    public string GetString(string name) => throw new NotSupportedException(name);

    public long GetInteger(string name) => throw new NotSupportedException(name);

    public TimeSpan GetDuration(string name) => throw new NotSupportedException(name);

    public IReadOnlyList<string> GetStrings(string name) => throw new NotSupportedException(name);

    public SourcePosition PositionOf(string name) => default;
}
