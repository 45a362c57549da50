using VibePN.Contracts;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic.Tests;

/// <summary>An interface that is an eventfd: readable when a test says so.</summary>
internal sealed unsafe class EventSource : IPacketSource, IDisposable
{
    private int _fd = LibC.eventfd(0, LibC.EFD_CLOEXEC | LibC.EFD_NONBLOCK);
    private int _calls;

    /// <summary>What each call does, after the descriptor has been emptied; whether there may be more is its answer.</summary>
    public Func<bool> Answer { get; set; } = () => true;

    /// <summary>False for an interface that stays readable whatever is taken from it.</summary>
    public bool Drains { get; init; } = true;

    /// <summary>A number to name instead of the eventfd's.</summary>
    public int? OtherDescriptor { get; init; }

    /// <summary>Called whenever the loop asks for the descriptor.</summary>
    public Action? OnDescriptor { get; init; }

    public int Calls => Volatile.Read(ref _calls);

    /// <summary>Name and number of the thread of the last call.</summary>
    public (string? Name, int Id) Thread { get; private set; }

    public int ReadyDescriptor
    {
        get
        {
            OnDescriptor?.Invoke();
            return OtherDescriptor ?? _fd;
        }
    }

    /// <summary>Makes the descriptor readable.</summary>
    public void Signal()
    {
        ulong one = 1;
        Assert.Equal(sizeof(ulong), (int)LibC.write(_fd, &one, sizeof(ulong)));
    }

    public bool OnReady()
    {
        ulong count;
        if (Drains)
            _ = LibC.read(_fd, &count, sizeof(ulong));
        Thread = (System.Threading.Thread.CurrentThread.Name, Environment.CurrentManagedThreadId);
        bool answer = Answer();
        Interlocked.Increment(ref _calls);
        return answer;
    }

    public void Dispose()
    {
        if (_fd >= 0)
            _ = LibC.close(_fd);
        _fd = -1;
    }
}
