#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

func log(_ x: Double) -> Double {
  #if canImport(Darwin)
    Darwin.log(x)
  #elseif canImport(Musl)
    Musl.log(x)
  #else
    Glibc.log(x)
  #endif
}

func cos(_ x: Double) -> Double {
  #if canImport(Darwin)
    Darwin.cos(x)
  #elseif canImport(Musl)
    Musl.cos(x)
  #else
    Glibc.cos(x)
  #endif
}

func sin(_ x: Double) -> Double {
  #if canImport(Darwin)
    Darwin.sin(x)
  #elseif canImport(Musl)
    Musl.sin(x)
  #else
    Glibc.sin(x)
  #endif
}
