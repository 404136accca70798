import CLinux
import Glibc

/// CPU clocks of processes, for benchmarks.
public enum CPUClock {
    /// Nanoseconds of CPU that a process has used, its threads and the kernel included; 0 names
    /// this process.
    ///
    /// 0 when the process is not there.
    public static func read(_ process: Int32) -> UInt64 {
        var clock = CLOCK_PROCESS_CPUTIME_ID
        // Safe because both calls fill the one value that they are given.
        if process > 0, unsafe clock_getcpuclockid(process, &clock) != 0 { return 0 }
        var time = timespec()
        guard unsafe clock_gettime(clock, &time) == 0 else { return 0 }
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// The monotonic clock in nanoseconds.
    public static func monotonic() -> UInt64 { EventLoop.clock() }
}

/// A process's memory.
public enum ProcessMemory {
    /// Keeps up to so many freed bytes in the process, instead of giving them back to the kernel at
    /// once.
    ///
    /// For the `main` of programs that move large messages: memory that is given back and asked for
    /// again costs a page fault for each 4 KiB, more than copying them does.
    public static func keepFreed(_ bytes: Int) {
        CLinux_keep_freed_memory(Int32(clamping: bytes))
    }

    /// The resident set of a process in KiB; 0 when it cannot be read.
    public static func kilobytes(_ process: Int32) -> Int {
        guard let file = unsafe fopen("/proc/\(process)/status", "r") else { return 0 }
        defer { unsafe fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        // Safe because fgets writes at most the buffer's length, with a final NUL.
        while unsafe fgets(&line, 256, file) != nil {
            let text = String(
                decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            guard text.hasPrefix("VmRSS:") else { continue }
            return text.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first
                .flatMap { Int($0) } ?? 0
        }
        return 0
    }
}

/// The standard error of this process, for programs without a logger.
public enum StandardError {
    /// Writes a line.
    public static func write(line: String) {
        // Safe because the callee reads the text only until it returns.
        unsafe CLinux_complain(line)
    }
}
