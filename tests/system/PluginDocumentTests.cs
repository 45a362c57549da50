using System.Text.Json;
using System.Text.RegularExpressions;
using VibePN.System.Tests.Lab;

namespace VibePN.System.Tests;

/// <summary>The plugin that docs/plugins.md tells the reader to write.</summary>
public sealed partial class PluginDocumentTests
{
    [Fact]
    public async Task The_plugin_of_the_document_builds_passes_the_check_and_routes_packets()
    {
        using MeshLab lab = await MeshLab.CreateAsync(nodes: 2);
        (Node one, Node two) = (lab.Nodes[0], lab.Nodes[1]);
        one.Configure(MeshLab.Dialled(two));
        two.Configure(MeshLab.Dialled(one));
        string document = File.ReadAllText(Path.Combine(Distribution.Repository(), "docs", "plugins.md"));
        await PublishAsync(lab, document, Path.Combine(lab.Distribution.Folder, "plugins", "routing-favourite"));
        Select(lab.Distribution.Manifest, Block(document, "toml"));

        (await one.RunDaemonAsync(null, "--check")).Succeeded();
        one.Start();
        two.Start();
        await Task.WhenAll(one.JoinedAsync(two), two.JoinedAsync(one));

        (await one.PingAsync(NodeConfig.Address("corp", 2, v6: false), count: 20)).AssertAllAnswered(20);
        (await two.PingAsync(NodeConfig.Address("lab", 1, v6: true), count: 20)).AssertAllAnswered(20);
        JsonElement plugins = await one.AskAsync("plugins.list") ?? throw new InvalidOperationException("no answer");
        Assert.Contains("routing-favourite", plugins.ToString(), StringComparison.Ordinal);
        Assert.Contains("The favourite peer is 'node2'", one.Log, StringComparison.Ordinal);
    }

    private static async Task PublishAsync(MeshLab lab, string document, string folder)
    {
        DirectoryInfo source = Directory.CreateTempSubdirectory("vibepn-plugin-");
        try
        {
            File.WriteAllText(Path.Combine(source.FullName, "RoutingFavourite.csproj"), Block(document, "xml"));
            File.WriteAllText(Path.Combine(source.FullName, "FavouriteRoutePolicy.cs"), Block(document, "csharp"));
            (await Tool.RunAsync(TimeSpan.FromMinutes(3), "dotnet", "publish", source.FullName, "-nodeReuse:false",
                $"-p:VibePN={lab.Distribution.Folder}", "-o", folder)).Succeeded();
        }
        finally
        {
            source.Delete(recursive: true);
        }
        Assert.Equal(["RoutingFavourite.dll"], Directory.EnumerateFiles(folder, "*.dll").Select(Path.GetFileName));
    }

    // The document's entry takes the place of the one for routing-lpm.
    private static void Select(string manifest, string entry)
    {
        string text = File.ReadAllText(manifest);
        string changed = RoutingEntry().Replace(text, entry.Replace(
            "/usr/local/lib/vibepn/routing-favourite", "plugins/routing-favourite", StringComparison.Ordinal) + "\n", 1);
        Assert.NotEqual(text, changed);
        File.WriteAllText(manifest, changed);
    }

    private static string Block(string document, string language)
    {
        Match match = Regex.Match(document, $"^```{language}\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline);
        Assert.True(match.Success, $"docs/plugins.md has no block of {language}.");
        return match.Groups[1].Value;
    }

    [GeneratedRegex(@"\[\[plugin\]\]\nname = ""routing-lpm""\n(?:.+\n)*\n")]
    private static partial Regex RoutingEntry();
}
