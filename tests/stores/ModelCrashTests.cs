namespace VibePN.Stores.Tests;

/// <summary>A crash at every file-system call of every store, and every state it may leave the disk in.</summary>
public sealed class ModelCrashTests(ITestOutputHelper output)
{
    public static TheoryData<string> Kinds => [.. Store.Kinds];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Crash_at_any_call_leaves_the_old_or_the_new_and_the_next_write_works(string kind)
    {
        int points = 0, states = 0, olds = 0, news = 0;
        ModelFiles prepared = Prepared(kind);
        int before = Store.Of(kind, prepared.Copy(), "/").Read();
        for (bool returned = false; !returned; points++)
        {
            ModelFiles files = prepared.Copy(stopBefore: points);
            returned = TryWrite(kind, files);
            foreach (ModelFiles state in files.AfterCrash())
            {
                states++;
                int found = AssertWhole(kind, state, before, mustBeNew: returned, $"crash before call {points}");
                _ = found == before ? olds++ : news++;
            }
        }
        output.WriteLine($"{kind}: {points} crash points, {states} states: {olds} old, {news} new");
        // A disk that keeps nothing, or a crash that loses nothing, would prove nothing.
        Assert.InRange(points, 8, 200);
        Assert.InRange(olds, points / 2, int.MaxValue);
        Assert.InRange(news, 2, int.MaxValue);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Crash_in_the_write_that_follows_a_crash_leaves_the_old_or_the_new_too(string kind)
    {
        int points = 0, states = 0;
        ModelFiles prepared = Prepared(kind);
        bool returned = false;
        for (int first = 0; !returned; first++)
        {
            ModelFiles files = prepared.Copy(stopBefore: first);
            returned = TryWrite(kind, files);
            foreach (ModelFiles once in files.AfterCrash())
            {
                int before = Store.Of(kind, once.Copy(), "/").Read();
                bool again = false;
                for (int second = 0; !again; second++, points++)
                {
                    ModelFiles later = once.Copy(stopBefore: second);
                    again = TryWrite(kind, later, before + 1);
                    foreach (ModelFiles twice in later.AfterCrash())
                    {
                        states++;
                        int found = Store.Of(kind, twice, "/").Read();
                        Assert.True(
                            found == before + 1 || (!again && found == before),
                            $"crash before call {first}, then before {second}: {found}");
                    }
                }
            }
        }
        output.WriteLine($"{kind}: {points} pairs of crash points, {states} states");
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Crash_of_the_process_alone_leaves_the_old_or_the_new(string kind)
    {
        ModelFiles prepared = Prepared(kind);
        int before = Store.Of(kind, prepared.Copy(), "/").Read();
        bool returned = false;
        for (int point = 0; !returned; point++)
        {
            ModelFiles files = prepared.Copy(stopBefore: point);
            returned = TryWrite(kind, files);
            int found = Store.Of(kind, files.Reopened(), "/").Read();
            Assert.True(found == before + 1 || (!returned && found == before), $"crash before call {point}: {found}");
            // The next process goes on with what only memory holds, and then the power fails.
            ModelFiles next = files.Reopened();
            Store.Of(kind, next, "/").Write(found + 1);
            foreach (ModelFiles state in next.AfterCrash())
                Assert.Equal(found + 1, Store.Of(kind, state, "/").Read());
        }
    }

    /// <summary>The disk with the value before the write that matters, all of it safe.</summary>
    internal static ModelFiles Prepared(string kind)
    {
        var files = new ModelFiles();
        Assert.Equal(0, files.MakeDirectory("/state"));
        Store.Of(kind, files, "/").Prepare();
        Assert.Equal(0, files.TryOpenDirectory("/", out Host.Native.IFileHandle? root));
        Assert.Equal(0, root!.Sync());
        return files.Copy();
    }

    internal static int AssertWhole(string kind, ModelFiles state, int before, bool mustBeNew, string when)
    {
        int found = Store.Of(kind, state, "/").Read();
        Assert.True(found == before + 1 || (!mustBeNew && found == before), $"{when}: found {found}, was {before}");
        Store.Of(kind, state.Reopened(), "/").Write(found + 1);
        Assert.Equal(found + 1, Store.Of(kind, state.Reopened(), "/").Read());
        Assert.Single(state.Names("/" + Store.Folder)); // what the crash left has gone
        return found;
    }

    // True when the write came to its end; false when the process died in it.
    private static bool TryWrite(string kind, ModelFiles files, int? value = null)
    {
        try
        {
            Store store = Store.Of(kind, files, "/");
            store.Write(value ?? (kind == "first file" ? 1 : 2));
            return true;
        }
        catch (ModelCrash)
        {
            return false;
        }
    }
}
