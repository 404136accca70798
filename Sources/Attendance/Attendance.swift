// Attendance
