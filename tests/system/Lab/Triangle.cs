namespace VibePN.System.Tests.Lab;

/// <summary>Three joined nodes that the tests of one class share.</summary>
public sealed class Triangle : IAsyncLifetime
{
    private MeshLab? _lab;

    internal MeshLab Lab => _lab ?? throw new InvalidOperationException("The lab was not made.");

    internal Node One => Lab.Nodes[0];

    internal Node Two => Lab.Nodes[1];

    internal Node Three => Lab.Nodes[2];

    /// <inheritdoc/>
    public async ValueTask InitializeAsync() => _lab = await MeshLab.CreateTriangleAsync();

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _lab?.Dispose();
        return ValueTask.CompletedTask;
    }
}
