using System.Runtime.Versioning;
using Xunit.Sdk;

[assembly: SupportedOSPlatform("linux")]

// Whole meshes share two cores; side by side they would only measure each other.
[assembly: Xunit.v3.Parallelization(Mode = ParallelMode.None)]
