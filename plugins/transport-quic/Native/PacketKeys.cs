using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using unsafe AeadCallback = delegate* unmanaged[Cdecl]<
    byte*, VibePN.Plugins.TransportQuic.Native.NgAead*, nint*, byte*, nuint, byte*, nuint, byte*, nuint, int>;
using unsafe DeleteCallback = delegate* unmanaged[Cdecl]<nint, nint*, void*, void>;
using unsafe UpdateKeyCallback = delegate* unmanaged[Cdecl]<
    nint, byte*, byte*, nint*, byte*, nint*, byte*, byte*, byte*, nuint, void*, int>;

namespace VibePN.Plugins.TransportQuic.Native;

/// <summary>
/// Keys of 1-RTT packets (RFC 9001 §5) in the hands of another AES-128-GCM than GnuTLS's. ngtcp2's crypto library
/// derives every key, and makes those of a connection's handshake and first 1-RTT packets; it tells a key's bytes only
/// when keys change, so a connection comes here with its first change (RFC 9001 §6).
/// </summary>
/// <remarks>
/// What ngtcp2 keeps of a key is one opaque word. Ours is an address with its lowest bit set, which GnuTLS's, being
/// that of a heap block, never has. A key is used by the one thread that its connection belongs to.
/// </remarks>
internal static unsafe class PacketKeys
{
    private const nint Ours = 1;
    private const int BlockBytes = GcmFunctions.KeyBytes + GcmFunctions.ContextBytes;
    private const int LongestKey = 64;
    private const int Aes128KeyBytes = 16;

    // The same for every transport of the process: what the libraries export and what the processor can do.
    private static GcmFunctions _gcm;
    private static AeadCallback _stockEncrypt;
    private static AeadCallback _stockDecrypt;
    private static DeleteCallback _stockDelete;

    /// <summary>Puts these callbacks in the place of the stock ones, which they fall back to.</summary>
    public static void Install(ref NgCallbacks table, in GcmFunctions gcm)
    {
        _gcm = gcm;
        _stockEncrypt = (AeadCallback)table[NgCallbacks.Encrypt];
        _stockDecrypt = (AeadCallback)table[NgCallbacks.Decrypt];
        _stockDelete = (DeleteCallback)table[NgCallbacks.DeleteAeadCtx];
        table[NgCallbacks.Encrypt] = (nint)(AeadCallback)(&Encrypt);
        table[NgCallbacks.Decrypt] = (nint)(AeadCallback)(&Decrypt);
        table[NgCallbacks.DeleteAeadCtx] = (nint)(DeleteCallback)(&Delete);
        table[NgCallbacks.UpdateKey] = (nint)(UpdateKeyCallback)(&UpdateKey);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Encrypt(
        byte* dest, NgAead* aead, nint* context, byte* plain, nuint length, byte* nonce, nuint nonceLength, byte* header,
        nuint headerLength)
    {
        if (!TryFind(context, out byte* key))
            return _stockEncrypt(dest, aead, context, plain, length, nonce, nonceLength, header, headerLength);
        _gcm.Encrypt(
            key, key + GcmFunctions.KeyBytes, dest, plain, length, nonce, header, headerLength, dest + length,
            GcmFunctions.TagBytes);
        return 0;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Decrypt(
        byte* dest, NgAead* aead, nint* context, byte* cipher, nuint length, byte* nonce, nuint nonceLength, byte* header,
        nuint headerLength)
    {
        if (!TryFind(context, out byte* key))
            return _stockDecrypt(dest, aead, context, cipher, length, nonce, nonceLength, header, headerLength);
        if (length < GcmFunctions.TagBytes)
            return Ngtcp2.ERR_DECRYPT;
        length -= GcmFunctions.TagBytes;
        UInt128 tag;
        _gcm.Decrypt(
            key, key + GcmFunctions.KeyBytes, dest, cipher, length, nonce, header, headerLength, (byte*)&tag,
            GcmFunctions.TagBytes);
        // One comparison of all sixteen bytes: its time tells nothing about where they differ.
        bool equal = (tag ^ Unsafe.ReadUnaligned<UInt128>(cipher + length)) == UInt128.Zero;
        return equal ? 0 : Ngtcp2.ERR_DECRYPT;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Delete(nint connection, nint* context, void* user)
    {
        if (!TryFind(context, out byte* key))
        {
            _stockDelete(connection, context, user);
            return;
        }
        CryptographicOperations.ZeroMemory(new Span<byte>(key, BlockBytes));
        NativeMemory.AlignedFree(key);
        *context = 0;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int UpdateKey(
        nint connection, byte* rxSecret, byte* txSecret, nint* rxContext, byte* rxIv, nint* txContext, byte* txIv,
        byte* currentRxSecret, byte* currentTxSecret, nuint secretLength, void* user)
    {
        byte* keys = stackalloc byte[2 * LongestKey];
        byte* rxKey = keys, txKey = keys + LongestKey;
        if (Ngtcp2Crypto.ngtcp2_crypto_update_key(
            connection, rxSecret, txSecret, rxContext, rxKey, rxIv, txContext, txKey, txIv, currentRxSecret,
            currentTxSecret, secretLength) != 0)
            return Ngtcp2.ERR_CALLBACK_FAILURE;
        if (Ngtcp2Crypto.ngtcp2_crypto_aead_keylen(Ngtcp2.ngtcp2_conn_get_crypto_ctx(connection)) == Aes128KeyBytes)
        {
            TakeOver(rxContext, rxKey);
            TakeOver(txContext, txKey);
        }
        CryptographicOperations.ZeroMemory(new Span<byte>(keys, 2 * LongestKey));
        return 0;
    }

    // Without memory for it the key stays GnuTLS's, which serves as well.
    private static void TakeOver(nint* context, byte* key)
    {
        byte* block;
        try
        {
            block = (byte*)NativeMemory.AlignedAlloc(BlockBytes, 64);
        }
        catch (OutOfMemoryException)
        {
            return;
        }
        _gcm.Prepare(key, block);
        Ngtcp2Crypto.ngtcp2_crypto_aead_ctx_free(context);
        *context = (nint)block | Ours;
    }

    private static bool TryFind(nint* context, out byte* key)
    {
        key = (byte*)(*context & ~Ours);
        return (*context & Ours) != 0;
    }
}
