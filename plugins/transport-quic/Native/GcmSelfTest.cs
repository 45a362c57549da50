using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace VibePN.Plugins.TransportQuic.Native;

/// <summary>Compares AES-128-GCM functions with those of .NET before a packet is entrusted to them.</summary>
internal static unsafe class GcmSelfTest
{
    private const byte Untouched = 0xa5;
    private const int Slack = 64;

    // Around the block of 16, the strides of 8, 16 and 48 blocks, a small and a full datagram, and a jumbo one.
    private static readonly int[] Lengths = [0, 1, 15, 16, 17, 127, 128, 129, 255, 256, 257, 767, 768, 769, 1200, 1419, 8920];

    /// <summary>Whether they seal and open every length as .NET does and write only where they may.</summary>
    public static bool Passes(in GcmFunctions gcm)
    {
        const int Block = GcmFunctions.KeyBytes + GcmFunctions.ContextBytes + (2 * Slack);
        byte* block = (byte*)NativeMemory.AlignedAlloc(Block, 64);
        try
        {
            var memory = new Span<byte>(block, Block);
            memory.Fill(Untouched);
            byte* context = block + GcmFunctions.KeyBytes + Slack;
            Span<byte> key = stackalloc byte[16];
            FillPattern(key, 3);
            fixed (byte* keyBytes = key)
                gcm.Prepare(keyBytes, block);
            using var reference = new AesGcm(key, GcmFunctions.TagBytes);
            foreach (int length in Lengths)
            {
                if (!Agrees(gcm, block, context, reference, length))
                    return false;
            }
            return memory.Slice(GcmFunctions.KeyBytes, Slack).IndexOfAnyExcept(Untouched) < 0
                && memory[^Slack..].IndexOfAnyExcept(Untouched) < 0;
        }
        finally
        {
            NativeMemory.AlignedFree(block);
        }
    }

    private static bool Agrees(in GcmFunctions gcm, byte* key, byte* context, AesGcm reference, int length)
    {
        Span<byte> nonce = stackalloc byte[12];
        Span<byte> header = stackalloc byte[13];
        Span<byte> tag = stackalloc byte[GcmFunctions.TagBytes];
        FillPattern(nonce, length);
        FillPattern(header, length + 1);
        byte[] plain = new byte[length], wanted = new byte[length + GcmFunctions.TagBytes];
        FillPattern(plain, length + 2);
        reference.Encrypt(nonce, plain, wanted.AsSpan(0, length), wanted.AsSpan(length), header);
        byte[] made = new byte[length + GcmFunctions.TagBytes];
        plain.CopyTo(made, 0);
        fixed (byte* text = made, nonceBytes = nonce, headerBytes = header, tagBytes = tag)
        {
            // In place, as ngtcp2 asks for it.
            gcm.Encrypt(
                key, context, text, text, (ulong)length, nonceBytes, headerBytes, (ulong)header.Length, text + length,
                GcmFunctions.TagBytes);
            if (!made.AsSpan().SequenceEqual(wanted))
                return false;
            gcm.Decrypt(
                key, context, text, text, (ulong)length, nonceBytes, headerBytes, (ulong)header.Length, tagBytes,
                GcmFunctions.TagBytes);
        }
        return made.AsSpan(0, length).SequenceEqual(plain) && tag.SequenceEqual(wanted.AsSpan(length));
    }

    private static void FillPattern(Span<byte> bytes, int seed)
    {
        for (int i = 0; i < bytes.Length; i++)
            bytes[i] = (byte)((i * 31) + (i >> 8) + (seed * 7));
    }
}
