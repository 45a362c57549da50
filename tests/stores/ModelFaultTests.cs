using VibePN.Host.Native;

namespace VibePN.Stores.Tests;

/// <summary>Every file-system call of every store fails, once or from then on, with every error that matters.</summary>
public sealed class ModelFaultTests(ITestOutputHelper output)
{
    private const int EINTR = 4;

    // EIO, EACCES, EMFILE, ENOSPC, EROFS, EDQUOT
    private static readonly int[] Errors = [ModelFiles.EIO, 13, 24, 28, 30, 122];

    public static TheoryData<string> Kinds => [.. Store.Kinds];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_call_that_fails_leaves_the_old_and_the_next_write_works(string kind)
    {
        int faults = 0;
        foreach (bool isLasting in new[] { false, true })
        {
            foreach (bool happens in new[] { false, true })
            {
                foreach (int error in Errors)
                {
                    for (int point = 0; Fail(kind, point, error, isLasting, happens); point++)
                        faults++;
                }
            }
        }
        output.WriteLine($"{kind}: {faults} faults");
        Assert.InRange(faults, 8 * Errors.Length * 4, int.MaxValue);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void An_interrupted_call_is_made_again_except_a_synchronisation(string kind)
    {
        ModelFiles prepared = ModelCrashTests.Prepared(kind);
        int before = Store.Of(kind, prepared.Copy(), "/").Read();
        int point = 0;
        for (bool isReached = true; isReached; point++)
        {
            string failed = "";
            ModelFiles files = prepared.Copy(fails: (call, what) =>
            {
                if (call != point)
                    return 0;
                failed = what;
                return EINTR;
            });
            bool succeeded = TryWrite(kind, files, before + 1);
            isReached = failed.Length > 0;
            // stat and unlink are never interrupted on Linux; the others begin afresh.
            if (!failed.StartsWith("sync", StringComparison.Ordinal) && failed != "stat")
                Assert.True(succeeded, $"call {point}, {failed}");
            int found = Store.Of(kind, files.Reopened(), "/").Read();
            Assert.True(found == before + 1 || (found == before && !succeeded));
        }
        Assert.InRange(point, 8, 200);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_disk_that_takes_few_bytes_at_a_time_gets_them_all(string kind)
    {
        ModelFiles prepared = ModelCrashTests.Prepared(kind);
        int before = Store.Of(kind, prepared.Copy(), "/").Read();
        ModelFiles files = prepared.Copy(mostWritten: 7);
        Store.Of(kind, files, "/").Write(before + 1);
        Assert.Equal(before + 1, Store.Of(kind, files.Reopened(), "/").Read());
    }

    [Fact]
    public void A_disk_that_takes_no_byte_or_interrupts_for_ever_is_not_waited_for()
    {
        ModelFiles none = ModelCrashTests.Prepared("file").Copy(mostWritten: 0);
        Assert.Throws<IOException>(() => Store.Of("file", none, "/").Write(2));
        foreach (string kind in Store.Kinds)
        {
            ModelFiles files = ModelCrashTests.Prepared(kind).Copy(fails: (_, what) => what == "stat" ? 0 : EINTR);
            Assert.False(TryWrite(kind, files, 2));
            Assert.InRange(files.Calls, 1, 1_000);
        }
    }

    [Fact]
    public void A_failed_synchronisation_is_never_tried_again_on_the_same_file()
    {
        ModelFiles files = ModelCrashTests.Prepared("file").Copy(fails: (_, what) => what == "sync" ? ModelFiles.EIO : 0);
        Assert.Throws<IOException>(() => Store.Of("file", files, "/").Write(2));
        Assert.Single(files.Log, call => call == "sync");
        Assert.DoesNotContain("rename", files.Log);
        Assert.Equal("unlink", files.Log[^1]);
    }

    // False when the write has no call of that number any more.
    private static bool Fail(string kind, int point, int error, bool isLasting, bool renamesHappen)
    {
        ModelFiles prepared = ModelCrashTests.Prepared(kind);
        int before = Store.Of(kind, prepared.Copy(), "/").Read();
        string failed = "";
        ModelFiles files = prepared.Copy(
            fails: (call, what) =>
            {
                if (call < point || (call > point && !isLasting))
                    return 0;
                if (failed.Length == 0)
                    failed = what;
                return error;
            },
            failedRenamesHappen: renamesHappen);
        bool succeeded = TryWrite(kind, files, before + 1);
        if (failed.Length == 0)
            return false;

        string when = $"{failed}, call {point}, error {error}, lasting {isLasting}, renames happen {renamesHappen}";
        int found = Store.Of(kind, files.Reopened(), "/").Read();
        bool mayBeNew = succeeded || failed is "sync directory" or "open directory" || (failed == "rename" && renamesHappen);
        Assert.True(found == before || mayBeNew, $"{when}: the old file does not stand");
        Assert.True(found == before + 1 || !succeeded, $"{when}: the new file is not there");
        foreach (ModelFiles state in files.AfterCrash())
        {
            int left = Store.Of(kind, state, "/").Read();
            Assert.True(left == before + 1 || (left == before && !succeeded), $"{when}: found {left} after a crash");
        }

        // The disk is well again, in the same boot.
        ModelFiles mended = files.Reopened();
        Store.Of(kind, mended, "/").Write(found + 1);
        Assert.Equal(found + 1, Store.Of(kind, mended.Reopened(), "/").Read());
        return true;
    }

    private static bool TryWrite(string kind, IFileCalls files, int value)
    {
        try
        {
            Store.Of(kind, files, "/").Write(value);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
