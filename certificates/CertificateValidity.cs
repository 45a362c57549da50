using VibePN.Contracts;

namespace VibePN.Certificates;

/// <summary>Whether a certificate is shown within its time.</summary>
public static class CertificateValidity
{
    /// <summary>Judges the certificate's dates by the request's clock.</summary>
    /// <remarks>
    /// A clock that is not trusted says what time has passed at least: what has ended by it has ended, but what has
    /// not begun may well have.
    /// </remarks>
    /// <param name="request">What is judged.</param>
    /// <returns>What is wrong, as one sentence; null when nothing is.</returns>
    public static string? Fault(TrustRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        bool ended = request.Now > request.NotAfter;
        if (!ended && (request.Now >= request.NotBefore || !request.ClockTrusted))
            return null;
        return $"Certificate {request.Fingerprint} is valid from {request.NotBefore.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z "
            + $"to {request.NotAfter.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z; it is {request.Now.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z.";
    }
}
