using System.Collections;
using System.Collections.Concurrent;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;
using VibePN.Contracts;

namespace VibePN.Engine.Configuration;

/// <summary>Configurations as text: equal when and only when they say the same, and their differences in lines.</summary>
/// <remarks>
/// Works over the values' own properties, so that a key which is added later is compared, planned and hashed without
/// anybody having to remember it here. Where a value stands in a file is no part of what it says. Any thread.
/// </remarks>
public static class ConfigurationText
{
    // Longer lists are shown by what came and went.
    private const int LongestValue = 80;

    private static readonly ConcurrentDictionary<Type, PropertyInfo[]> Members = new();

    /// <summary>The canonical text of a value: records by their members in order of name, lists in their own order.</summary>
    public static string Of(object? value)
    {
        var text = new StringBuilder();
        Append(text, value);
        return text.ToString();
    }

    /// <summary>What differs between two values of one record type, one line per leaf: <c>subject: key old -> new</c>.</summary>
    /// <param name="subject">What the lines begin with, or empty.</param>
    /// <param name="before">The one in effect.</param>
    /// <param name="after">The one to come.</param>
    public static IReadOnlyList<string> Differences(string subject, object before, object after)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        var lines = new List<string>();
        Compare(subject.Length == 0 ? "" : subject + ": ", before, after, lines);
        return lines;
    }

    private static void Compare(string path, object before, object after, List<string> lines)
    {
        foreach (PropertyInfo member in MembersOf(before.GetType()))
        {
            object? left = member.GetValue(before);
            object? right = member.GetValue(after);
            if (Of(left) == Of(right))
                continue;
            string key = path + KeyOf(member.Name);
            if (left is not null && right is not null && IsRecord(left.GetType()))
                Compare(key + ".", left, right, lines);
            else if (ItemsOf(left) is { } old && ItemsOf(right) is { } next)
                lines.Add($"{key} {CompareLists(old, next)}");
            else
                lines.Add($"{key} {Of(left)} -> {Of(right)}");
        }
    }

    private static string CompareLists(List<string> before, List<string> after)
    {
        string whole = $"[{string.Join(", ", before)}] -> [{string.Join(", ", after)}]";
        if (whole.Length <= LongestValue)
            return whole;
        string[] changes = [.. after.Except(before).Select(item => "+" + item), .. before.Except(after).Select(item => "-" + item)];
        return changes.Length == 0 ? "in another order" : string.Join(' ', changes);
    }

    private static void Append(StringBuilder text, object? value)
    {
        switch (value)
        {
            case null:
                text.Append("none");
                return;
            case string word:
                text.Append('"').Append(word.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)).Append('"');
                return;
            case bool flag:
                text.Append(flag ? "true" : "false");
                return;
            case Enum name:
                text.Append(KeyOf(name.ToString()));
                return;
            case TimeSpan span:
                text.Append(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0.#######}s");
                return;
        }
        if (ItemsOf(value) is { } items)
            text.Append('[').AppendJoin(", ", items).Append(']');
        else if (IsRecord(value.GetType()))
            AppendMembers(text, value);
        else
            text.Append(value is IFormattable formattable ? formattable.ToString(null, CultureInfo.InvariantCulture) : value.ToString());
    }

    private static void AppendMembers(StringBuilder text, object value)
    {
        string separator = "{";
        foreach (PropertyInfo member in MembersOf(value.GetType()))
        {
            text.Append(separator).Append(KeyOf(member.Name)).Append(" = ");
            Append(text, member.GetValue(value));
            separator = ", ";
        }
        text.Append(separator == "{" ? "{}" : "}");
    }

    private static List<string>? ItemsOf(object? value)
    {
        if (value is string or null || value is not IEnumerable items)
            return null;
        // An immutable array that was never made cannot be walked through; it says as much as an empty one.
        if (value is IStructuralEquatable && value.GetType().GetProperty("IsDefault")?.GetValue(value) is true)
            return [];
        return [.. items.Cast<object?>().Select(Of)];
    }

    // A type that says itself what it is (an address, a prefix, a fingerprint) is a leaf; so is an identity, whose
    // words leave the key out.
    private static bool IsRecord(Type type) =>
        MembersOf(type).Length > 0
        && type.GetMethod(nameof(ToString), Type.EmptyTypes)!.GetCustomAttribute<CompilerGeneratedAttribute>() is not null;

    private static PropertyInfo[] MembersOf(Type type) => Members.GetOrAdd(type, static type =>
    [
        .. type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(member => member.CanWrite && member.GetIndexParameters().Length == 0
                && member.PropertyType != typeof(SourcePosition))
            .OrderBy(member => member.Name, StringComparer.Ordinal),
    ]);

    private static string KeyOf(string name)
    {
        var key = new StringBuilder(name.Length + 4);
        foreach (char c in name)
        {
            if (char.IsAsciiLetterUpper(c) && key.Length > 0)
                key.Append('_');
            key.Append(char.ToLowerInvariant(c));
        }
        return key.ToString();
    }
}
