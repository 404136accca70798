import Glibc

/// What the bytes of a character set mean, as the C library's `iconv` knows it.
///
/// Not for hot paths: make a table of the answers.
///
/// Safe because the descriptor is private, closed once, and given to nothing but iconv.
@safe public struct CharacterSet: ~Copyable {
    private let descriptor: iconv_t

    /// Nil where the C library does not have the character set on this machine.
    public init?(_ name: String) {
        // Safe because both names are only read during the call.
        guard let descriptor = unsafe iconv_open("UTF-32LE", name) else { return nil }
        // iconv's way to fail is a pointer of all ones.
        guard UInt(bitPattern: descriptor) != UInt.max else { return nil }
        unsafe self.descriptor = descriptor
    }

    deinit {
        // Safe because this value owns the descriptor and nobody uses it after its end.
        _ = unsafe iconv_close(descriptor)
    }

    /// The one character that the bytes are, nil where they are none or several.
    public borrowing func character(_ bytes: [UInt8]) -> Unicode.Scalar? {
        var input = bytes.map { CChar(bitPattern: $0) }
        var output = [CChar](repeating: 0, count: 16)
        // Safe because iconv moves the pointers only within the counts it is given, and neither
        // array is used otherwise before the closures end.
        let written: Int? = unsafe input.withUnsafeMutableBufferPointer { input in
            unsafe output.withUnsafeMutableBufferPointer { output in
                var from = input.baseAddress
                var fromCount = input.count
                var to = output.baseAddress
                var toCount = output.count
                unsafe iconv(descriptor, nil, nil, nil, nil)
                guard unsafe iconv(descriptor, &from, &fromCount, &to, &toCount) == 0,
                    fromCount == 0
                else { return nil }
                // Some sets keep a character back until they know that no accent follows.
                guard unsafe iconv(descriptor, nil, nil, &to, &toCount) == 0 else { return nil }
                return output.count - toCount
            }
        }
        guard written == 4 else { return nil }
        return Unicode.Scalar(
            output[..<4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32(UInt8(bitPattern: $1)) })
    }
}
