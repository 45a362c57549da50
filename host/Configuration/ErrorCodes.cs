namespace VibePN.Host.Configuration;

/// <summary>The stable codes of what an operator can get wrong. 10xx: the two files; 11xx: the plugins they name.</summary>
internal static class ErrorCodes
{
    public const string FileUnreadable = "VPN1001";
    public const string Syntax = "VPN1002";
    public const string FileExposed = "VPN1003";
    public const string UnknownKey = "VPN1004";
    public const string WrongType = "VPN1005";
    public const string MissingKey = "VPN1006";
    public const string BadValue = "VPN1007";
    public const string BadPrefix = "VPN1010";
    public const string AddressOutsidePrefix = "VPN1011";
    public const string UnknownNetwork = "VPN1012";
    public const string DuplicatePeer = "VPN1013";
    public const string OwnFingerprint = "VPN1014";
    public const string BadFingerprint = "VPN1015";
    public const string IdentityMismatch = "VPN1016";
    public const string IdentityUnreadable = "VPN1017";
    public const string KeyExposed = "VPN1018";
    public const string BadSchema = "VPN1020";
    public const string DuplicatePlugin = "VPN1021";
    public const string RoleNotFilled = "VPN1022";
    public const string PluginFolder = "VPN1023";

    public const string ContractVersion = "VPN1101";
    public const string ShipsShared = "VPN1102";
    public const string HashMismatch = "VPN1103";
    public const string WrongRole = "VPN1104";
    public const string NoSuchPlugin = "VPN1105";
    public const string NotAPlugin = "VPN1106";
    public const string ForeignReference = "VPN1107";
    public const string Setting = "VPN1108";
    public const string ConstructorFailed = "VPN1109";
    public const string StartFailed = "VPN1110";
    public const string SettingsRefused = "VPN1111";
}
