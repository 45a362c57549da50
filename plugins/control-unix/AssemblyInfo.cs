using System.Runtime.Versioning;

// Peer credentials, statx and the socket's place in the file system are Linux's.
[assembly: SupportedOSPlatform("linux")]
