using System.Runtime.Versioning;

// The control socket and the file modes of an identity are Unix's; the daemon runs on Linux only.
[assembly: SupportedOSPlatform("linux")]
