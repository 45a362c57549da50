using VibePN.Benchmarks;

return args switch
{
    ["lookup", .. string[] rest] => LookupCommand.Run(rest),
    ["packets", .. string[] rest] => PacketCommand.Run(rest),
    ["--help" or "-h"] => Usage(Console.Out, 0),
    _ => Usage(Console.Error, 2),
};

static int Usage(TextWriter to, int status)
{
    to.WriteLine("""
        usage: dotnet run -c Release --project tests/benchmarks -- COMMAND [OPTION...]

          lookup    time of a longest-prefix lookup, memory and build time of its table
                    (lookup --help lists its options)
          packets   time and managed memory of what is done to each packet on its way
                    (packets --help lists its options)

        What is measured is printed beside its target, if it has one. Run it on a machine that does nothing else.
        """);
    return status;
}
