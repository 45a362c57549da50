using System.Runtime.InteropServices;
using VibePN.Contracts;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic.Tests;

/// <summary>The literal numbers come from a C compiler and the headers of ngtcp2 1.11 and Linux.</summary>
public sealed unsafe class LayoutTests
{
    [Fact]
    public void Structs_have_the_sizes_of_the_headers()
    {
        Assert.Equal(32, sizeof(NgCid));
        Assert.Equal(16, sizeof(NgVec));
        Assert.Equal(16, sizeof(NgAddr));
        Assert.Equal(40, sizeof(NgPath));
        Assert.Equal(8, sizeof(NgPktInfo));
        Assert.Equal(40, sizeof(NgVersionCid));
        Assert.Equal(112, sizeof(NgPktHd));
        Assert.Equal(40, sizeof(NgCcErr));
        Assert.Equal(56, sizeof(NgConnInfo));
        Assert.Equal(184, sizeof(NgSettings));
        Assert.Equal(344, sizeof(NgTransportParams));
        Assert.Equal(320, sizeof(NgCallbacks));
        Assert.Equal(16, sizeof(NgInfo));
        Assert.Equal(16, sizeof(GnuTlsDatum));
        Assert.Equal(56, sizeof(MsgHdr));
        Assert.Equal(64, sizeof(MMsgHdr));
        Assert.Equal(16, sizeof(CMsgHdr));
        Assert.Equal(40, LocalAddress.ControlBytes);
        Assert.Equal(8, sizeof(PollFd));
        Assert.Equal(8, sizeof(SockFilter));
        Assert.Equal(16, sizeof(SockFprog));
        Assert.Equal(28, sizeof(SocketAddress28));
    }

    [Theory]
    [InlineData(nameof(NgSettings.CcAlgo), 8)]
    [InlineData(nameof(NgSettings.InitialTs), 16)]
    [InlineData(nameof(NgSettings.InitialRtt), 24)]
    [InlineData(nameof(NgSettings.MaxTxUdpPayloadSize), 40)]
    [InlineData(nameof(NgSettings.Token), 48)]
    [InlineData(nameof(NgSettings.TokenLength), 56)]
    [InlineData(nameof(NgSettings.TokenType), 64)]
    [InlineData(nameof(NgSettings.MaxWindow), 80)]
    [InlineData(nameof(NgSettings.MaxStreamWindow), 88)]
    [InlineData(nameof(NgSettings.AckThresh), 96)]
    [InlineData(nameof(NgSettings.NoTxUdpPayloadSizeShaping), 104)]
    [InlineData(nameof(NgSettings.HandshakeTimeout), 112)]
    [InlineData(nameof(NgSettings.NoPmtud), 156)]
    [InlineData(nameof(NgSettings.PmtudProbes), 168)]
    [InlineData(nameof(NgSettings.PmtudProbesLength), 176)]
    public void Settings_lie_where_the_header_puts_them(string member, int offset) =>
        Assert.Equal(offset, (int)Marshal.OffsetOf<NgSettings>(member));

    [Theory]
    [InlineData(nameof(NgTransportParams.OriginalDcid), 96)]
    [InlineData(nameof(NgTransportParams.InitialScid), 128)]
    [InlineData(nameof(NgTransportParams.RetryScid), 160)]
    [InlineData(nameof(NgTransportParams.InitialMaxStreamDataBidiLocal), 192)]
    [InlineData(nameof(NgTransportParams.InitialMaxStreamDataBidiRemote), 200)]
    [InlineData(nameof(NgTransportParams.InitialMaxStreamDataUni), 208)]
    [InlineData(nameof(NgTransportParams.InitialMaxData), 216)]
    [InlineData(nameof(NgTransportParams.InitialMaxStreamsBidi), 224)]
    [InlineData(nameof(NgTransportParams.InitialMaxStreamsUni), 232)]
    [InlineData(nameof(NgTransportParams.MaxIdleTimeout), 240)]
    [InlineData(nameof(NgTransportParams.MaxUdpPayloadSize), 248)]
    [InlineData(nameof(NgTransportParams.ActiveConnectionIdLimit), 256)]
    [InlineData(nameof(NgTransportParams.AckDelayExponent), 264)]
    [InlineData(nameof(NgTransportParams.MaxAckDelay), 272)]
    [InlineData(nameof(NgTransportParams.MaxDatagramFrameSize), 280)]
    [InlineData(nameof(NgTransportParams.StatelessResetTokenPresent), 288)]
    [InlineData(nameof(NgTransportParams.DisableActiveMigration), 289)]
    [InlineData(nameof(NgTransportParams.OriginalDcidPresent), 290)]
    [InlineData(nameof(NgTransportParams.RetryScidPresent), 292)]
    [InlineData(nameof(NgTransportParams.StatelessResetToken), 294)]
    public void Transport_parameters_lie_where_the_header_puts_them(string member, int offset) =>
        Assert.Equal(offset, (int)Marshal.OffsetOf<NgTransportParams>(member));

    [Theory]
    [InlineData(NgCallbacks.HandshakeCompleted, 3)]
    [InlineData(NgCallbacks.RecvStreamData, 8)]
    [InlineData(NgCallbacks.Rand, 16)]
    [InlineData(NgCallbacks.DcidStatus, 26)]
    [InlineData(NgCallbacks.HandshakeConfirmed, 27)]
    [InlineData(NgCallbacks.RecvDatagram, 31)]
    [InlineData(NgCallbacks.LostDatagram, 33)]
    [InlineData(NgCallbacks.GetPathChallengeData, 34)]
    [InlineData(NgCallbacks.VersionNegotiation, 36)]
    public void Callbacks_have_the_index_of_the_header(int index, int expected) => Assert.Equal(expected, index);

    [Fact]
    public void Message_header_lies_where_the_header_puts_it()
    {
        Assert.Equal(8, (int)Marshal.OffsetOf<MsgHdr>(nameof(MsgHdr.NameLength)));
        Assert.Equal(8, (int)Marshal.OffsetOf<SockFprog>(nameof(SockFprog.Filter)));
        Assert.Equal(4, (int)Marshal.OffsetOf<SockFilter>(nameof(SockFilter.K)));
        Assert.Equal(16, (int)Marshal.OffsetOf<MsgHdr>(nameof(MsgHdr.Vectors)));
        Assert.Equal(24, (int)Marshal.OffsetOf<MsgHdr>(nameof(MsgHdr.VectorCount)));
        Assert.Equal(32, (int)Marshal.OffsetOf<MsgHdr>(nameof(MsgHdr.Control)));
        Assert.Equal(40, (int)Marshal.OffsetOf<MsgHdr>(nameof(MsgHdr.ControlLength)));
        Assert.Equal(48, (int)Marshal.OffsetOf<MsgHdr>(nameof(MsgHdr.Flags)));
        Assert.Equal(8, (int)Marshal.OffsetOf<NgCcErr>(nameof(NgCcErr.ErrorCode)));
        Assert.Equal(24, (int)Marshal.OffsetOf<NgCcErr>(nameof(NgCcErr.Reason)));
        Assert.Equal(72, (int)Marshal.OffsetOf<NgPktHd>(nameof(NgPktHd.Token)));
        Assert.Equal(104, (int)Marshal.OffsetOf<NgPktHd>(nameof(NgPktHd.Version)));
    }

    [Fact]
    public void Installed_library_writes_its_defaults_at_these_offsets_and_nothing_beyond()
    {
        const int Slack = 64;
        Span<byte> memory = stackalloc byte[sizeof(NgTransportParams) + Slack];
        memory.Fill(0xee);
        fixed (byte* start = memory)
        {
            var parameters = (NgTransportParams*)start;
            Ngtcp2.ngtcp2_transport_params_default_versioned(1, parameters);
            Assert.Equal(25_000_000ul, parameters->MaxAckDelay);
            Assert.Equal(3ul, parameters->AckDelayExponent);
            Assert.Equal(65_527ul, parameters->MaxUdpPayloadSize);
            Assert.True(memory[sizeof(NgTransportParams)..].IndexOfAnyExcept((byte)0xee) < 0);
            memory.Fill(0xee);
            var settings = (NgSettings*)start;
            Ngtcp2.ngtcp2_settings_default_versioned(2, settings);
            Assert.Equal(1452u, settings->MaxTxUdpPayloadSize);
            Assert.Equal(2u, settings->AckThresh);
            Assert.True(memory[sizeof(NgSettings)..].IndexOfAnyExcept((byte)0xee) < 0);
        }
    }

    [Fact]
    public void Missing_library_is_a_sentence_that_names_the_packages()
    {
        PluginException fault = NativeLibraries.Unavailable("libngtcp2.so.16 could not be loaded");
        Assert.Equal(PluginFault.Unavailable, fault.Fault);
        Assert.Contains("libngtcp2-16 libngtcp2-crypto-gnutls8", fault.Message, StringComparison.Ordinal);
    }
}
