using VibePN.Vpnctl;
using VibePN.Vpnctl.CommandLine;

return Dispatcher.Run(args, Terminal.OfProcess());
