import Glibc

/// The owner of a file descriptor: closes it once, at the end of its life.
struct Descriptor: ~Copyable, Sendable {
    let number: Int32

    /// Takes ownership of `number`, which must be open.
    init(owning number: Int32) {
        precondition(number >= 0, "a Descriptor needs an open file descriptor")
        self.number = number
    }

    deinit { close(number) }
}
