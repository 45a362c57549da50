using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Tests;

public sealed class UnitsTests
{
    [Theory]
    [InlineData(0L, "0 B")]
    [InlineData(1023L, "1023 B")]
    [InlineData(1024L, "1 KiB")]
    [InlineData(1536L, "1.5 KiB")]
    [InlineData(1048575L, "1 MiB")]
    [InlineData(123456789L, "118 MiB")]
    [InlineData(long.MaxValue, "8 EiB")]
    [InlineData(null, "-")]
    public void Bytes_have_the_unit_that_suits_them(long? bytes, string expected) =>
        Assert.Equal(expected, Units.Bytes(bytes));

    [Theory]
    [InlineData(0L, "0 s")]
    [InlineData(59L, "59 s")]
    [InlineData(185L, "3 min 5 s")]
    [InlineData(7_800L, "2 h 10 min")]
    [InlineData(356_400L, "4 d 3 h")]
    [InlineData(null, "-")]
    public void Seconds_have_the_units_that_suit_them(long? seconds, string expected) =>
        Assert.Equal(expected, Units.Seconds(seconds));

    [Theory]
    [InlineData(0.4, "0.4 ms")]
    [InlineData(12.345, "12.35 ms")]
    [InlineData(1234.4, "1234 ms")]
    [InlineData(null, "-")]
    public void Milliseconds_are_as_exact_as_matters(double? value, string expected) =>
        Assert.Equal(expected, Units.Milliseconds(value));
}
