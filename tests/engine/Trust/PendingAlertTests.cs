using VibePN.Contracts;
using VibePN.Engine.Tests.Time;
using VibePN.Engine.Trust;

namespace VibePN.Engine.Tests.Trust;

public sealed class PendingAlertTests
{
    private readonly ManualClock _clock = new(DateTimeOffset.UnixEpoch);

    [Fact]
    public void Each_certificate_is_told_once_an_hour()
    {
        List<string> told = [];
        var alert = new PendingAlert(_clock) { Seen = told.Add };
        for (int i = 0; i < 100; i++)
            alert.Add(Certificate(1), "one");
        alert.Add(Certificate(2), "two");
        _clock.Advance(TimeSpan.FromMinutes(59));
        alert.Add(Certificate(1), "one");
        Assert.Equal(["one", "two"], told);
        _clock.Advance(TimeSpan.FromMinutes(1));
        alert.Add(Certificate(1), "one");
        Assert.Equal(["one", "two", "one"], told);
    }

    [Fact]
    public void A_stranger_with_a_new_certificate_each_time_is_told_so_often_and_no_more()
    {
        int told = 0;
        var alert = new PendingAlert(_clock) { Seen = _ => told++ };
        for (int i = 0; i < 10_000; i++)
            alert.Add(Certificate(i), "stranger");
        Assert.Equal(PendingAlert.MostPerHour, told);
    }

    private static Fingerprint Certificate(int number) => Fingerprint.Parse(number.ToString("x64", null));
}
