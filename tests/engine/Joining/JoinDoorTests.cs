using System.Net;
using VibePN.Engine.Joining;
using VibePN.Engine.Tests.Time;

namespace VibePN.Engine.Tests.Joining;

public sealed class JoinDoorTests
{
    private readonly ManualClock _clock = new(DateTimeOffset.UnixEpoch.AddYears(60));
    private readonly LabAuthority _authority = new();
    private readonly JoinDoor _door;

    public JoinDoorTests() => _door = new JoinDoor(_clock, _authority);

    [Fact]
    public void One_address_may_come_ten_times_a_minute()
    {
        for (int i = 0; i < JoinDoor.PerMinute; i++)
            Assert.True(Enter("192.0.2.1"));
        Assert.False(Enter("192.0.2.1"));
        Assert.False(Enter("::ffff:192.0.2.1"));
        Assert.True(Enter("192.0.2.2"));
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.True(Enter("192.0.2.1"));
    }

    [Fact]
    public void Addresses_of_one_64_count_as_one()
    {
        for (int i = 0; i < JoinDoor.PerMinute; i++)
            Assert.True(Enter($"2001:db8::{i:x}"));
        Assert.False(Enter("2001:db8::ffff"));
        Assert.True(Enter("2001:db8:0:1::1"));
    }

    [Fact]
    public void All_together_may_come_120_times_a_minute_and_cost_little_memory()
    {
        int entered = 0;
        for (int i = 0; i < 100_000; i++)
            entered += Enter($"10.{i >> 16}.{(i >> 8) & 255}.{i & 255}") ? 1 : 0;
        Assert.Equal(JoinDoor.PerMinuteInAll, entered);
        Assert.InRange(_door.Remembered, 1, 1_024);
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.True(Enter("203.0.113.1"));
    }

    [Fact]
    public void Nobody_comes_in_while_no_invite_is_open()
    {
        _authority.IsOpen = false;
        Assert.False(Enter("192.0.2.1"));
        Assert.Equal(0, _door.Remembered);
        Assert.False(new JoinDoor(_clock, authority: null).IsOpen);
    }

    private bool Enter(string address) => _door.TryEnter(new IPEndPoint(IPAddress.Parse(address), 1));
}
