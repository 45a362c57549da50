using VibePN.Host.Native;

namespace VibePN.Stores.Tests;

/// <summary>A model that found nothing wrong with anything would prove nothing: these stores are wrong, and it tells.</summary>
public sealed class PlantedDefectTests
{
    [Theory]
    [InlineData("the file is not synchronised")]
    [InlineData("the directory is not synchronised")]
    [InlineData("the parents of a new directory are not synchronised")]
    [InlineData("the file is written in its place")]
    public void Store_that_cuts_a_corner_is_caught(string defect)
    {
        ModelFiles prepared = ModelCrashTests.Prepared("first file");
        bool isCaught = false;
        bool returned = false;
        for (int point = 0; !returned && !isCaught; point++)
        {
            ModelFiles files = prepared.Copy(stopBefore: point);
            returned = TryWrite(new CornerCutter(files, defect));
            isCaught = files.AfterCrash().Any(state => !IsWhole(state, mustBeNew: returned));
        }
        Assert.True(isCaught);
    }

    private static bool TryWrite(IFileCalls files)
    {
        try
        {
            Store.Of("first file", files, "/").Write(1);
            return true;
        }
        catch (ModelCrash)
        {
            return false;
        }
    }

    private static bool IsWhole(ModelFiles state, bool mustBeNew)
    {
        try
        {
            int found = Store.Of("first file", state, "/").Read();
            return found == 1 || (found == 0 && !mustBeNew);
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    /// <summary>Passes calls on, but for one that it only pretends to make.</summary>
    private sealed class CornerCutter(IFileCalls files, string defect) : IFileCalls
    {
        public int TryCreate(string path, out IFileHandle? file)
        {
            string target = defect.EndsWith("in its place", StringComparison.Ordinal)
                ? Path.Combine(Path.GetDirectoryName(path)!, "data")
                : path;
            int result = files.TryCreate(target, out file);
            if (defect.StartsWith("the file is not", StringComparison.Ordinal) && file is not null)
                file = new Unsynchronised(file);
            return result;
        }

        public int TryAppend(string path, out IFileHandle? file) => files.TryAppend(path, out file);

        public int TryOpen(string path, out IFileHandle? file) => files.TryOpen(path, out file);

        public int TryOpenDirectory(string path, out IFileHandle? directory)
        {
            int result = files.TryOpenDirectory(path, out directory);
            bool isStore = path.EndsWith(Store.Folder, StringComparison.Ordinal);
            if (directory is not null && defect.StartsWith(isStore ? "the directory" : "the parents", StringComparison.Ordinal))
                directory = new Unsynchronised(directory);
            return result;
        }

        public int Rename(string from, string to) =>
            defect.EndsWith("in its place", StringComparison.Ordinal) ? 0 : files.Rename(from, to);

        public int Unlink(string path) => files.Unlink(path);

        public int MakeDirectory(string path) => files.MakeDirectory(path);

        public int TryStat(string path, bool followLinks, out FileFacts facts) => files.TryStat(path, followLinks, out facts);
    }

    private sealed class Unsynchronised(IFileHandle inner) : IFileHandle
    {
        public int Write(ReadOnlySpan<byte> bytes) => inner.Write(bytes);

        public int Read(Span<byte> bytes) => inner.Read(bytes);

        public int Sync() => 0;

        public void Dispose() => inner.Dispose();
    }
}
