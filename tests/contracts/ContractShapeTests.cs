using System.Composition;
using System.Reflection;

namespace VibePN.Contracts.Tests;

public sealed class ContractShapeTests
{
    private static readonly Assembly Contracts = typeof(IPlugin).Assembly;

    [Fact]
    public void Assembly_version_stays_that_of_the_first_contract() =>
        Assert.Equal(new Version(1, 0, 0, 0), Contracts.GetName().Version);

    [Fact]
    public void Contract_version_is_stamped_on_the_assembly()
    {
        var stamp = Contracts.GetCustomAttribute<ContractVersionAttribute>();
        Assert.Equal((ContractVersion.Major, ContractVersion.Minor), (stamp?.Major, stamp?.Minor));
    }

    [Fact]
    public void Each_of_the_five_roles_has_one_sealed_attribute_that_exports_its_interface()
    {
        Type[] roles = [typeof(ITransportPlugin), typeof(ITunPlugin), typeof(IRoutePolicyPlugin), typeof(ITrustPlugin), typeof(IControlPlugin)];
        Type[] attributes = [.. Contracts.GetExportedTypes().Where(type => type.IsSubclassOf(typeof(ExportAttribute)))];
        Assert.Equal(roles.Length, attributes.Length);
        foreach (Type attribute in attributes)
        {
            Assert.True(attribute.IsSealed);
            // System.Composition ignores metadata of base attributes.
            Assert.Equal(typeof(ExportAttribute), attribute.BaseType);
            Assert.NotNull(attribute.GetCustomAttribute<MetadataAttributeAttribute>());
            var export = (ExportAttribute)Activator.CreateInstance(attribute, "some-name")!;
            Assert.Equal("some-name", export.ContractName);
            Assert.Contains(export.ContractType, roles);
            Assert.Equal(ContractVersion.Major, attribute.GetProperty("Contract", BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)?.GetValue(export));
        }
    }

    [Fact]
    public void Reason_codes_are_unique()
    {
        foreach (Type reasons in new[] { typeof(DropReason), typeof(RouteReason), typeof(TrustReason), typeof(CloseCode) })
        {
            int[] codes = [.. Enum.GetValuesAsUnderlyingType(reasons).Cast<int>()];
            Assert.Equal(codes.Length, codes.Distinct().Count());
        }
    }

    [Fact]
    public void Signatures_hold_only_types_of_the_runtime_and_the_shared_assemblies()
    {
        string[] shared = ["VibePN.Contracts", "System.Composition.AttributedModel", "Microsoft.Extensions.Logging.Abstractions"];
        string runtime = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        foreach (AssemblyName reference in Contracts.GetReferencedAssemblies())
        {
            bool known = shared.Contains(reference.Name) || File.Exists(Path.Combine(runtime, reference.Name + ".dll"));
            Assert.True(known, $"VibePN.Contracts refers to {reference.Name}.");
        }
    }

    [Fact]
    public void Source_position_reads_as_compilers_write_it()
    {
        Assert.Equal("config.toml(12,8)", new SourcePosition("config.toml", 12, 8).ToString());
        Assert.Equal("config.toml(default)", new SourcePosition("config.toml", 0, 0).ToString());
    }
}
