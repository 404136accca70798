import Foundation

/// A value that shows itself nowhere by accident.
public struct Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    private let bytes: [UInt8]

    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The secret itself; for the one place that needs it.
    public func reveal() -> [UInt8] { bytes }
    /// The secret as text, without white space around it.
    public func revealText() -> String {
        String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    public var description: String { "<secret>" }
    public var debugDescription: String { "<secret>" }
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// Reads a file that only its owner may read: mode 0600 or narrower, at most 64 KiB.
    public static func read(path: String) throws(ConfigurationError) -> Secret {
        let url = URL(filePath: path).resolvingSymlinksInPath()
        let mode: Int
        do {
            let attributes = try FileManager.default.attributesOfItem(
                atPath: url.path(percentEncoded: false))
            mode = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0o777
        } catch {
            throw ConfigurationError("cannot read the secret file \(path): \(reason(error))")
        }
        guard mode & 0o077 == 0 else {
            throw ConfigurationError(
                """
                the secret file \(path) has mode \(octal(mode)), so others can read it: \
                chmod 600 \(path)
                """)
        }
        let limit = 65_536
        do {
            let handle = try FileHandle(forReadingFrom: url)
            defer { try? handle.close() }
            let data = try handle.read(upToCount: limit + 1) ?? Data()
            guard data.count <= limit else {
                throw ConfigurationError("the secret file \(path) is longer than \(limit) bytes")
            }
            return Secret([UInt8](data))
        } catch let error as ConfigurationError {
            throw error
        } catch {
            throw ConfigurationError("cannot read the secret file \(path): \(reason(error))")
        }
    }

    private static func octal(_ mode: Int) -> String {
        let digits = String(mode & 0o7777, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}

/// The shortest true words for what Foundation reports about a file.
func reason(_ error: any Error) -> String {
    if let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError {
        return reason(underlying)
    }
    let error = error as NSError
    if error.domain == NSPOSIXErrorDomain, let code = POSIXErrorCode(rawValue: Int32(error.code)) {
        let words = POSIXError(code).localizedDescription
        let cause = words.replacing("The operation could not be completed. ", with: "")
        return cause.prefix(1).lowercased() + cause.dropFirst()
    }
    if error.domain == NSCocoaErrorDomain {
        switch CocoaError.Code(rawValue: error.code) {
        case .fileNoSuchFile, .fileReadNoSuchFile: return "no such file"
        case .fileReadNoPermission, .fileWriteNoPermission: return "permission denied"
        default: break
        }
    }
    return error.localizedDescription
}
