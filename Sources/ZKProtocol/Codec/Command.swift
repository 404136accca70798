/// The number that says what a packet asks or answers.
public struct Command: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }
}

extension Command {
    // Requests.
    /// Reads what a number names: with 2, all templates.
    public static let readTable = Command(rawValue: 7)
    public static let writeUser = Command(rawValue: 8)
    public static let readUsers = Command(rawValue: 9)
    public static let readOption = Command(rawValue: 11)
    public static let writeOption = Command(rawValue: 12)
    public static let readAttendance = Command(rawValue: 13)
    public static let clearData = Command(rawValue: 14)
    public static let clearAttendance = Command(rawValue: 15)
    public static let deleteUser = Command(rawValue: 18)
    public static let deleteTemplate = Command(rawValue: 19)
    public static let clearAdmin = Command(rawValue: 20)
    public static let readUserGroup = Command(rawValue: 21)
    public static let writeUserGroup = Command(rawValue: 22)
    public static let readUserZones = Command(rawValue: 23)
    public static let writeUserZones = Command(rawValue: 24)
    public static let readGroupZones = Command(rawValue: 25)
    public static let writeGroupZones = Command(rawValue: 26)
    public static let readHours = Command(rawValue: 27)
    public static let writeHours = Command(rawValue: 28)
    public static let readCombination = Command(rawValue: 29)
    public static let writeCombination = Command(rawValue: 30)
    public static let unlock = Command(rawValue: 31)
    public static let clearAccess = Command(rawValue: 32)
    public static let clearOperations = Command(rawValue: 33)
    public static let readOperations = Command(rawValue: 34)
    public static let freeSizes = Command(rawValue: 50)
    public static let enableClock = Command(rawValue: 57)
    public static let startVerify = Command(rawValue: 60)
    public static let startEnrolment = Command(rawValue: 61)
    public static let cancelCapture = Command(rawValue: 62)
    public static let state = Command(rawValue: 64)
    public static let writeLCD = Command(rawValue: 66)
    public static let clearLCD = Command(rawValue: 67)
    public static let pinWidth = Command(rawValue: 69)
    public static let doorState = Command(rawValue: 75)
    public static let writeStyle = Command(rawValue: 79)
    public static let readStyle = Command(rawValue: 80)
    /// Says what the uploaded bytes are: one template.
    public static let writeTemplate = Command(rawValue: 87)
    public static let readTemplate = Command(rawValue: 88)
    /// Says what the uploaded bytes are: users and templates.
    public static let saveUpload = Command(rawValue: 110)
    public static let bufferChecksum = Command(rawValue: 119)
    /// Names the user by the id, where ``deleteTemplate`` takes the index.
    public static let deleteTemplateByID = Command(rawValue: 134)
    public static let getTime = Command(rawValue: 201)
    public static let setTime = Command(rawValue: 202)
    /// Asks for events, and is the command of each event.
    public static let event = Command(rawValue: 500)
    public static let connect = Command(rawValue: 1000)
    public static let exit = Command(rawValue: 1001)
    public static let enable = Command(rawValue: 1002)
    public static let disable = Command(rawValue: 1003)
    public static let restart = Command(rawValue: 1004)
    public static let powerOff = Command(rawValue: 1005)
    public static let refreshData = Command(rawValue: 1013)
    public static let refreshOption = Command(rawValue: 1014)
    public static let testVoice = Command(rawValue: 1017)
    public static let version = Command(rawValue: 1100)
    public static let authenticate = Command(rawValue: 1102)
    /// Announces how many bytes of ``data`` follow.
    public static let prepareData = Command(rawValue: 1500)
    public static let data = Command(rawValue: 1501)
    public static let freeData = Command(rawValue: 1502)
    public static let prepareBuffer = Command(rawValue: 1503)
    public static let readBuffer = Command(rawValue: 1504)
    /// Inside a ``prepareBuffer``: two times take the place of its numbers.
    public static let readAttendanceRange = Command(rawValue: 10004)

    // Answers.
    public static let ok = Command(rawValue: 2000)
    public static let error = Command(rawValue: 2001)
    public static let unauthenticated = Command(rawValue: 2005)
    public static let locked = Command(rawValue: 2032)
    public static let bulkRefused = Command(rawValue: 4989)
    public static let encryptionRequired = Command(rawValue: 6001)
    public static let badData = Command(rawValue: 65531)
    public static let notInitialised = Command(rawValue: 65532)
    public static let badCommand = Command(rawValue: 65533)
    public static let unknown = Command(rawValue: 65535)
}

extension Command: CustomStringConvertible {
    /// The name and number, as errors and logs print it: `READ_ATTENDANCE (13)`.
    public var description: String {
        guard let name = Command.names[self] else { return "command \(rawValue)" }
        return "\(name) (\(rawValue))"
    }

    private static let names: [Command: String] = [
        .readTable: "READ_TABLE", .readUserGroup: "READ_USER_GROUP",
        .writeUserGroup: "WRITE_USER_GROUP", .readUserZones: "READ_USER_ZONES",
        .writeUserZones: "WRITE_USER_ZONES", .readGroupZones: "READ_GROUP_ZONES",
        .writeGroupZones: "WRITE_GROUP_ZONES", .readHours: "READ_HOURS",
        .writeHours: "WRITE_HOURS", .readCombination: "READ_COMBINATION",
        .writeCombination: "WRITE_COMBINATION", .clearAccess: "CLEAR_ACCESS",
        .clearOperations: "CLEAR_OPERATIONS", .readOperations: "READ_OPERATIONS",
        .writeLCD: "WRITE_LCD", .clearLCD: "CLEAR_LCD", .writeStyle: "WRITE_STYLE",
        .readStyle: "READ_STYLE", .writeTemplate: "WRITE_TEMPLATE",
        .saveUpload: "SAVE_UPLOAD", .bufferChecksum: "BUFFER_CHECKSUM",
        .deleteTemplateByID: "DELETE_TEMPLATE_BY_ID",
        .readAttendanceRange: "READ_ATTENDANCE_RANGE",
        .writeUser: "WRITE_USER", .readUsers: "READ_USERS", .readOption: "READ_OPTION",
        .writeOption: "WRITE_OPTION", .readAttendance: "READ_ATTENDANCE",
        .clearData: "CLEAR_DATA", .clearAttendance: "CLEAR_ATTENDANCE",
        .deleteUser: "DELETE_USER", .deleteTemplate: "DELETE_TEMPLATE",
        .clearAdmin: "CLEAR_ADMIN", .unlock: "UNLOCK", .freeSizes: "FREE_SIZES",
        .enableClock: "ENABLE_CLOCK", .startVerify: "START_VERIFY",
        .startEnrolment: "START_ENROLMENT", .cancelCapture: "CANCEL_CAPTURE",
        .state: "STATE", .pinWidth: "PIN_WIDTH", .doorState: "DOOR_STATE",
        .readTemplate: "READ_TEMPLATE", .getTime: "GET_TIME", .setTime: "SET_TIME",
        .event: "EVENT", .connect: "CONNECT", .exit: "EXIT", .enable: "ENABLE",
        .disable: "DISABLE", .restart: "RESTART", .powerOff: "POWER_OFF",
        .refreshData: "REFRESH_DATA", .refreshOption: "REFRESH_OPTION",
        .testVoice: "TEST_VOICE", .version: "VERSION", .authenticate: "AUTHENTICATE",
        .prepareData: "PREPARE_DATA", .data: "DATA", .freeData: "FREE_DATA",
        .prepareBuffer: "PREPARE_BUFFER", .readBuffer: "READ_BUFFER",
        .ok: "OK", .error: "ERROR", .unauthenticated: "UNAUTHENTICATED", .locked: "LOCKED",
        .bulkRefused: "BULK_REFUSED", .encryptionRequired: "ENCRYPTION_REQUIRED",
        .badData: "BAD_DATA", .notInitialised: "NOT_INITIALISED",
        .badCommand: "BAD_COMMAND", .unknown: "UNKNOWN",
    ]
}
