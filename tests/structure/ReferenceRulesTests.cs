namespace VibePN.Structure.Tests;

/// <summary>Who may see whom (docs/architecture.md), in the project files and in what was compiled.</summary>
public sealed class ReferenceRulesTests
{
    private const string Contracts = "contracts/VibePN.Contracts.csproj";
    private const string Prefixes = "prefixes/VibePN.Prefixes.csproj";
    private const string Offload = "offload/VibePN.Offload.csproj";
    private const string BestPath = "bestpath/VibePN.BestPath.csproj";
    private const string Certificates = "certificates/VibePN.Certificates.csproj";
    private const string Invites = "invites/VibePN.Invites.csproj";
    private const string Engine = "engine/VibePN.Engine.csproj";
    private const string TunLinux = "plugins/tun-linux/VibePN.Plugins.TunLinux.csproj";
    private const string TransportQuic = "plugins/transport-quic/VibePN.Plugins.TransportQuic.csproj";
    private const string Host = "host/vibepnd.csproj";
    private const string Client = "vpnctl/vpnctl.csproj";

    // The host provides these to plugins, so that both sides mean the same types.
    private static readonly string[] Shared =
        ["VibePN.Contracts", "System.Composition.AttributedModel", "Microsoft.Extensions.Logging.Abstractions"];

    public static TheoryData<string> Projects => [.. Repository.ShippedProjects];

    public static TheoryData<string> Plugins => [.. Repository.Plugins];

    [Fact]
    public void All_that_is_shipped_is_known_here()
    {
        string[] known = [BestPath, Certificates, Contracts, Engine, Host, Invites, Offload, Prefixes, Client];
        Assert.Equal(known.Order(StringComparer.Ordinal), Repository.ShippedProjects.Except(Repository.Plugins));
        Assert.InRange(Repository.Plugins.Length, 5, int.MaxValue);
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Project_file_refers_only_to_what_its_place_may_see(string project) =>
        Assert.Empty(Repository.ProjectReferences(project).Except(MaySee(project)));

    [Theory]
    [MemberData(nameof(Projects))]
    public void Assembly_refers_only_to_what_its_place_may_see(string project)
    {
        string[] ours = [.. Repository.ShippedProjects.Select(Name)];
        Assert.Empty(Repository.AssemblyReferences(project).Intersect(ours).Except(MaySee(project).Select(Name)));
    }

    [Theory]
    [MemberData(nameof(Plugins))]
    public void Plugin_ships_no_copy_of_what_the_host_provides(string project)
    {
        string[] shipped = [.. Directory.EnumerateFiles(Repository.OutputOf(project), "*.dll").Select(file => Path.GetFileNameWithoutExtension(file))];
        Assert.Contains(Name(project), shipped);
        // A package that a shared assembly needs would be a copy without use.
        Assert.Empty(shipped.Intersect([.. Shared, "Microsoft.Extensions.DependencyInjection.Abstractions"]));
    }

    [Theory]
    [MemberData(nameof(Plugins))]
    public void Plugin_finds_all_it_refers_to_in_its_folder_the_runtime_or_the_host(string project)
    {
        string folder = Repository.OutputOf(project);
        foreach (string reference in Repository.AssemblyReferences(project).Except(Shared))
        {
            Assert.True(
                IsInRuntime(reference) || File.Exists(Path.Combine(folder, reference + ".dll")),
                $"{project} refers to {reference}, which is nowhere.");
        }
    }

    [Fact]
    public void Contracts_libraries_and_engine_know_no_library_but_the_shared_ones()
    {
        foreach (string project in new[] { Contracts, Prefixes, Offload, BestPath, Certificates, Invites, Engine })
        {
            string[] foreign = [.. Repository.AssemblyReferences(project).Where(reference => !IsInRuntime(reference))];
            Assert.Empty(foreign.Except([.. Shared, Name(Prefixes), Name(Offload), Name(Invites)]));
        }
    }

    [Fact]
    public void Only_the_host_sees_engine_and_contracts_both() =>
        Assert.Equal(
            [Host],
            Repository.ShippedProjects.Where(project =>
                Repository.AssemblyReferences(project).Contains(Name(Engine))));

    private static string[] MaySee(string project) => project switch
    {
        Contracts => [],
        Prefixes => [Contracts],
        Offload => [Contracts],
        BestPath => [Contracts, Prefixes],
        Certificates => [Contracts],
        Invites => [],
        Engine => [Contracts, Invites, Offload, Prefixes],
        Host => [Contracts, Engine, Invites],
        Client => [Invites], // both ends of an invite must agree on every byte of it
        TunLinux or TransportQuic => [Contracts, Prefixes, Offload, BestPath, Certificates],
        _ => [Contracts, Prefixes, BestPath, Certificates],
    };

    private static string Name(string project) => Path.GetFileNameWithoutExtension(project);

    private static bool IsInRuntime(string assembly) =>
        File.Exists(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, assembly + ".dll"));
}
