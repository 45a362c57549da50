using System.Globalization;
using System.Text;

namespace VibePN.Vpnctl.Tests.Configuration;

/// <summary>Writes configurations in the many ways in which TOML lets one say the same.</summary>
internal sealed class RandomToml(int seed)
{
    private static readonly string[] Comments = ["# plain", "#", "# [[peers]] name = \"no\"", "# ünïcödé 🐢 ] }", "#\t\"quoted\" = [1,"];

    private readonly Random _random = new(seed);
    private readonly StringBuilder _text = new();
    private string _newline = "\n";

    public string Write()
    {
        _newline = Chance(4) ? "\r\n" : "\n";
        if (Chance(12))
            _text.Append('\uFEFF');
        Noise();
        Line("state = \"/var/lib/vib\\u0065pn\"");
        if (Chance(2))
            Line($"listen = [{Gap()}\"0.0.0.0:51820\",{Gap()} '[::]:51820'{Gap()}{(Chance(3) ? "," : "")}]");
        bool inlinePeers = Chance(3);
        if (inlinePeers)
            Line(InlinePeers());
        bool inlineNetworks = Chance(4);
        if (inlineNetworks)
            Line("networks = { corp = { prefix = \"10.42.0.0/24\", export = true }" + (Chance(2) ? ", 'lab.x' = { prefix = '10.43.0.0/24' }" : "") + " }");
        else if (Chance(4))
            Line("networks.corp.prefix = \"10.42.0.0/24\"");
        Noise();
        Line(Chance(2) ? "[identity]" : "[ identity ] # who");
        Line("cert = \"node.crt\"");
        Line("\"key\" = '''node.key'''");
        Line($"unknown_{_random.Next(100).ToString(CultureInfo.InvariantCulture)} = 1979-05-27T07:32:00Z");
        for (int tables = _random.Next(4); tables > 0; tables--)
            Table(tables, inlinePeers, inlineNetworks);
        if (Chance(3))
            _text.Length -= _text.ToString().EndsWith(_newline, StringComparison.Ordinal) ? _newline.Length : 0;
        return _text.ToString();
    }

    private void Table(int number, bool inlinePeers, bool inlineNetworks)
    {
        Noise();
        if (!inlinePeers && Chance(2))
        {
            Line("[[peers]]");
            Line($"name = \"old{number}\"");
            Line($"networks = [{Gap()}\"corp\"{Gap()}{(Chance(2) ? ", # and more" + _newline : "")}]");
        }
        else if (!inlineNetworks && !_text.ToString().Contains($"net{number}", StringComparison.Ordinal))
        {
            Line($"[networks.\"net{number}\"]");
            Line("prefix = \"10.9.0.0/24\"");
            Line("note = \"\"\"several" + _newline + "[[peers]] lines\"\"\"");
        }
        else
            Line($"[extra{number}.a]{_newline}b = 0x1F{_newline}c = 1.5e3");
    }

    private string InlinePeers() => _random.Next(4) switch
    {
        0 => "peers = []",
        1 => "peers = [ ] # none yet",
        2 => $"peers = [{_newline}  {{ name = \"a\", networks = [\"corp\"] }}, # the first ]{_newline}]",
        _ => "peers = [{ name = 'a' }, { name = \"b\", extra = { x = 1 } }]",
    };

    private void Noise()
    {
        for (int lines = _random.Next(3); lines > 0; lines--)
            Line(Chance(2) ? "" : Comments[_random.Next(Comments.Length)]);
    }

    private string Gap() => Chance(3) ? _newline + "  " : Chance(2) ? " " : "";

    private void Line(string text) => _text.Append(text).Append(Chance(5) && text.Length > 0 ? "  " : "").Append(_newline);

    private bool Chance(int oneIn) => _random.Next(oneIn) == 0;
}
