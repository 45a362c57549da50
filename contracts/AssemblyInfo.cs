using VibePN.Contracts;

[assembly: ContractVersion(ContractVersion.Major, ContractVersion.Minor)]
[assembly: CLSCompliant(false)]
