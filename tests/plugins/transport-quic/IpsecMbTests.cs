using System.Runtime.InteropServices;
using System.Security.Cryptography;
using VibePN.Contracts;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic.Tests;

/// <summary>
/// AES-128-GCM of ipsec-mb instead of GnuTLS's. Needs the library and a processor that it has fast code for
/// (AVX2, AES): without them these tests fail and say which is missing.
/// </summary>
public sealed unsafe class IpsecMbTests
{
    [Fact]
    public void Library_of_this_system_is_taken_and_named()
    {
        _ = Load(out string text);
        Assert.Matches(@"^ipsec-mb \d+\.\d+\.\d+ \((vaes_avx512|vaes_avx2|avx512|avx_gen4)\)$", text);
    }

    /// <summary>The server's Initial packet of RFC 9001, appendix A.3, before its header is protected.</summary>
    [Fact]
    public void Packet_of_the_standard_comes_out_as_it_stands_there()
    {
        byte[] key = Convert.FromHexString("cf3a5331653c364c88f0f379b6067e37");
        byte[] nonce = Convert.FromHexString("0ac1493ca1905853b0bba03f"); // iv ...3e, packet number 1
        byte[] header = Convert.FromHexString("c1000000010008f067a5502a4262b50040750001");
        byte[] plain = Convert.FromHexString(
            "02000000000600405a020000560303eefce7f7b37ba1d1632e96677825ddf73988cfc79825df566dc5430b9a045a1200"
            + "130100002e00330024001d00209d3c940d89690b84d08a60993c144eca684d1081287c834d5311bcf32bb9da1a002b00020304");
        byte[] wanted = Convert.FromHexString(
            "5a482cd0991cd25b0aac406a5816b6394100f37a1c69797554780bb38cc5a99f5ede4cf73c3ec2493a1839b3dbcba3f6ea46c5b7"
            + "684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c27"
            + "6456cbc42158407dd074ee");
        using var sealing = new Sealing(Load(out _), key);
        Assert.Equal(wanted, sealing.Encrypt(nonce, header, plain));
        Assert.Equal(plain, sealing.Decrypt(nonce, header, wanted));
    }

    [Fact]
    public void Any_packet_comes_out_as_from_the_platforms_own_and_opens_again()
    {
        GcmFunctions gcm = Load(out _);
        var random = new Random(1);
        for (int i = 0; i < 2000; i++)
        {
            byte[] key = Bytes(random, 16), nonce = Bytes(random, 12);
            byte[] header = Bytes(random, random.Next(0, 40)), plain = Bytes(random, random.Next(0, 1500));
            byte[] wanted = new byte[plain.Length + 16];
            using (var platform = new AesGcm(key, 16))
                platform.Encrypt(nonce, plain, wanted.AsSpan(0, plain.Length), wanted.AsSpan(plain.Length), header);
            using var sealing = new Sealing(gcm, key);
            Assert.Equal(wanted, sealing.Encrypt(nonce, header, plain));
            Assert.Equal(plain, sealing.Decrypt(nonce, header, wanted));
        }
    }

    [Fact]
    public void Functions_that_compute_something_else_are_refused()
    {
        GcmFunctions gcm = Load(out _);
        Assert.True(GcmSelfTest.Passes(gcm));
        Assert.False(GcmSelfTest.Passes(gcm with { Encrypt = gcm.Decrypt }));
        Assert.False(GcmSelfTest.Passes(gcm with { Decrypt = gcm.Encrypt }));
    }

    [Theory]
    [InlineData("libNoSuchThing.so.1", "not installed (apt install libipsec-mb2, on Debian 12 libipsec-mb1)")]
    [InlineData("libc.so.6", "lacks a function")]
    public void Library_that_is_not_there_or_another_is_a_reason(string library, string reason)
    {
        Assert.False(IpsecMb.TryLoad([library], out _, out string text));
        Assert.Contains(reason, text, StringComparison.Ordinal);
        CryptoCallbacks stock = NativeLibraries.Load(PacketProtection.GnuTls);
        CryptoCallbacks without = stock.Without(PacketProtection.Auto, text);
        Assert.Equal($"GnuTLS: {text}", without.ProtectionText);
        Assert.False(without.ChangesFirstKeys);
        PluginException fault = Assert.Throws<PluginException>(() => stock.Without(PacketProtection.IpsecMb, text));
        Assert.Equal(PluginFault.Unavailable, fault.Fault);
        Assert.Contains(reason, fault.Message, StringComparison.Ordinal);
        Assert.Contains("packet_protection = \"auto\"", fault.Message, StringComparison.Ordinal);
    }

    private static GcmFunctions Load(out string text)
    {
        Assert.True(IpsecMb.TryLoad(out GcmFunctions gcm, out text), text);
        return gcm;
    }

    private static byte[] Bytes(Random random, int length)
    {
        byte[] bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }

    private sealed class Sealing : IDisposable
    {
        private readonly GcmFunctions _gcm;
        private byte* _key;

        public Sealing(in GcmFunctions gcm, byte[] key)
        {
            _gcm = gcm;
            _key = (byte*)NativeMemory.AlignedAlloc(GcmFunctions.KeyBytes + GcmFunctions.ContextBytes, 64);
            fixed (byte* bytes = key)
                gcm.Prepare(bytes, _key);
        }

        public byte[] Encrypt(byte[] nonce, byte[] header, byte[] plain)
        {
            byte[] made = new byte[plain.Length + GcmFunctions.TagBytes];
            fixed (byte* nonceBytes = nonce, headerBytes = header, plainBytes = plain, madeBytes = made)
                _gcm.Encrypt(
                    _key, _key + GcmFunctions.KeyBytes, madeBytes, plainBytes, (ulong)plain.Length, nonceBytes, headerBytes,
                    (ulong)header.Length, madeBytes + plain.Length, GcmFunctions.TagBytes);
            return made;
        }

        public byte[] Decrypt(byte[] nonce, byte[] header, byte[] cipher)
        {
            byte[] made = new byte[cipher.Length - GcmFunctions.TagBytes];
            byte[] tag = new byte[GcmFunctions.TagBytes];
            fixed (byte* nonceBytes = nonce, headerBytes = header, cipherBytes = cipher, madeBytes = made, tagBytes = tag)
                _gcm.Decrypt(
                    _key, _key + GcmFunctions.KeyBytes, madeBytes, cipherBytes, (ulong)made.Length, nonceBytes, headerBytes,
                    (ulong)header.Length, tagBytes, GcmFunctions.TagBytes);
            Assert.Equal(cipher[made.Length..], tag);
            return made;
        }

        public void Dispose()
        {
            NativeMemory.AlignedFree(_key);
            _key = null;
        }
    }
}
