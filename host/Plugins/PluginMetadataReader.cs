using System.Collections.Immutable;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using VibePN.Contracts;

namespace VibePN.Host.Plugins;

/// <summary>Reads role attributes, settings and references out of assemblies as data: no plugin code runs.</summary>
internal static class PluginMetadataReader
{
    private const string ContractsNamespace = "VibePN.Contracts";

    /// <summary>Reads all managed assemblies of a package.</summary>
    /// <exception cref="BadImageFormatException">An assembly is damaged.</exception>
    public static PluginMetadata Read(PluginPackage package)
    {
        var exports = new List<PluginExport>();
        var assemblies = ImmutableArray.CreateBuilder<AssemblyFacts>();
        foreach (PackageFile file in package.Files)
        {
            if (!file.Path.EndsWith(".dll", StringComparison.OrdinalIgnoreCase))
                continue;
            try
            {
                ReadAssembly(file, exports, assemblies);
            }
            catch (BadImageFormatException exception)
            {
                throw new BadImageFormatException($"{file.Path} is damaged: {exception.Message}", exception);
            }
        }

        exports.Sort((left, right) => string.CompareOrdinal(left.Name, right.Name));
        return new PluginMetadata([.. exports], assemblies.ToImmutable());
    }

    private static void ReadAssembly(
        PackageFile file, List<PluginExport> exports, ImmutableArray<AssemblyFacts>.Builder assemblies)
    {
        using var image = new PEReader(ImmutableArray.Create(file.Bytes));
        if (!image.HasMetadata)
            return; // a native library
        MetadataReader metadata = image.GetMetadataReader();
        if (!metadata.IsAssembly)
            return;
        AssemblyDefinition definition = metadata.GetAssemblyDefinition();
        assemblies.Add(new AssemblyFacts(file.Path, metadata.GetString(definition.Name), [.. References(metadata)]));

        (int minor, string version) = ReadStamps(metadata, definition);
        foreach (TypeDefinitionHandle handle in metadata.TypeDefinitions)
        {
            TypeDefinition type = metadata.GetTypeDefinition(handle);
            if (ReadExport(metadata, type, minor, version, file.Path) is { } export)
                exports.Add(export);
        }
    }

    private static IEnumerable<AssemblyReferenceFacts> References(MetadataReader metadata)
    {
        foreach (AssemblyReferenceHandle handle in metadata.AssemblyReferences)
        {
            AssemblyReference reference = metadata.GetAssemblyReference(handle);
            yield return new AssemblyReferenceFacts(metadata.GetString(reference.Name), reference.Version);
        }
    }

    // The contract's minor version and the assembly's own version.
    private static (int Minor, string Version) ReadStamps(MetadataReader metadata, AssemblyDefinition definition)
    {
        int minor = 0;
        string version = definition.Version.ToString(3);
        foreach (CustomAttributeHandle handle in definition.GetCustomAttributes())
        {
            CustomAttribute attribute = metadata.GetCustomAttribute(handle);
            (string space, string name) = NameOf(metadata, attribute);
            if (space == ContractsNamespace && name == nameof(ContractVersionAttribute))
                minor = Decode(attribute).FixedArguments is [_, { Value: int value }] ? value : 0;
            else if (name == "AssemblyInformationalVersionAttribute")
                version = Decode(attribute).FixedArguments is [{ Value: string text }] ? text : version;
        }

        return (minor, version);
    }

    private static PluginExport? ReadExport(
        MetadataReader metadata, TypeDefinition type, int minor, string version, string file)
    {
        PluginExport? export = null;
        var settings = ImmutableArray.CreateBuilder<PluginSettingAttribute>();
        foreach (CustomAttributeHandle handle in type.GetCustomAttributes())
        {
            CustomAttribute attribute = metadata.GetCustomAttribute(handle);
            (string space, string name) = NameOf(metadata, attribute);
            if (space != ContractsNamespace)
                continue;
            if (name == nameof(PluginSettingAttribute))
            {
                if (ReadSetting(Decode(attribute)) is { } setting)
                    settings.Add(setting);
            }
            else if (PluginRoles.OfAttribute(name) is { } role
                && Decode(attribute) is { FixedArguments: [{ Value: string plugin }] } value)
            {
                int major = Named(value, nameof(TunPluginAttribute.Contract)) is int given ? given : ContractVersion.Major;
                export = new PluginExport(plugin, role, major, minor, FullName(metadata, type), file, version, []);
            }
        }

        return export is null ? null : export with { Settings = settings.ToImmutable() };
    }

    private static PluginSettingAttribute? ReadSetting(CustomAttributeValue<string> value)
    {
        if (value.FixedArguments is not [{ Value: string name }, { Value: int type }])
            return null;
        return new PluginSettingAttribute(name, (SettingType)type)
        {
            Default = Named(value, nameof(PluginSettingAttribute.Default)) as string,
            Minimum = Named(value, nameof(PluginSettingAttribute.Minimum)) is long least ? least : long.MinValue,
            Maximum = Named(value, nameof(PluginSettingAttribute.Maximum)) is long most ? most : long.MaxValue,
            Choices = Named(value, nameof(PluginSettingAttribute.Choices)) as string ?? "",
            Help = Named(value, nameof(PluginSettingAttribute.Help)) as string ?? "",
        };
    }

    private static object? Named(CustomAttributeValue<string> value, string name) =>
        value.NamedArguments.FirstOrDefault(argument => argument.Name == name).Value;

    private static CustomAttributeValue<string> Decode(CustomAttribute attribute) =>
        attribute.DecodeValue(AttributeTypes.Instance);

    private static string FullName(MetadataReader metadata, TypeDefinition type)
    {
        string name = metadata.GetString(type.Name);
        if (!type.GetDeclaringType().IsNil)
            return FullName(metadata, metadata.GetTypeDefinition(type.GetDeclaringType())) + "+" + name;
        string space = metadata.GetString(type.Namespace);
        return space.Length == 0 ? name : space + "." + name;
    }

    private static (string Namespace, string Name) NameOf(MetadataReader metadata, CustomAttribute attribute)
    {
        if (attribute.Constructor.Kind != HandleKind.MemberReference)
            return ("", ""); // defined in the assembly itself: none of ours
        EntityHandle parent = metadata.GetMemberReference((MemberReferenceHandle)attribute.Constructor).Parent;
        if (parent.Kind != HandleKind.TypeReference)
            return ("", "");
        TypeReference type = metadata.GetTypeReference((TypeReferenceHandle)parent);
        return (metadata.GetString(type.Namespace), metadata.GetString(type.Name));
    }

    /// <summary>Tells the attribute decoder what it cannot see: our attributes take primitives, strings and one enum of ints.</summary>
    private sealed class AttributeTypes : ICustomAttributeTypeProvider<string>
    {
        public static readonly AttributeTypes Instance = new();

        public string GetPrimitiveType(PrimitiveTypeCode typeCode) => typeCode.ToString();

        public string GetSystemType() => "System.Type";

        public string GetSZArrayType(string elementType) => elementType + "[]";

        public string GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind) =>
            FullName(reader, reader.GetTypeDefinition(handle));

        public string GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) =>
            reader.GetString(reader.GetTypeReference(handle).Name);

        public string GetTypeFromSerializedName(string name) => name;

        public PrimitiveTypeCode GetUnderlyingEnumType(string type) => PrimitiveTypeCode.Int32;

        public bool IsSystemType(string type) => type == "System.Type";
    }
}
