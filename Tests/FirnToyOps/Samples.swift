/// Graphs in text form that several suites use.
enum Samples {
  static let minimal = "firn 1\n"

  /// Every syntactic form once.
  static let everything = #"""
    firn 1

    variable encoder/kernel : f32[8,16] {kind = "parameter", role = "kernel", trainable = true, initializer = ["variance_scaling", 1.0, "fan_avg", "uniform"]}
    variable encoder/b.i-as_2 : f32[16] {kind = "state", role = "", trainable = false, initializer = ["columns", [4, ["constant", 1e-05]], [12, ["array", f32[2](1.0, -0.0)]]]}

    %x = placeholder() {dtype = f32, shape = [batch,8]} : f32[batch,8]
    %time/0-1.a = placeholder() {dtype = f32, shape = [2*batch*time-1,0]} : f32[2*batch*time-1,0]
    %encoder/kernel = read() {variable = "encoder/kernel", dtype = f32, shape = [8,16]} : f32[8,16]
    %encoder/matmul = matmul(%x, %encoder/kernel) {transpose_a = false, transpose_b = false} : f32[batch,16]
    %gradients/encoder/matmul/neg = neg(%encoder/matmul) : f32[batch,16] @backward
    %parts:2 = split(%encoder/matmul) {parts = 2} : f32[batch,8], f32[batch,8]
    %add = add(%parts, %parts:1) : f32[batch,8]
    %nothing:0 = split(%x) {parts = 0} : ()
    %b.i-as_2 = read() {variable = "encoder/b.i-as_2", dtype = f32, shape = [16]} : f32[16]
    %assign = assign(%b.i-as_2) {variable = "encoder/b.i-as_2"} : f32[16] @update
    %tagged = tagged() {a = true, b = -9223372036854775808, c = 1.0, d = 1e-05, e = inf, f = -inf, g = "q\"\\\n\t\r\u{1}é", h = i32, i = 2*batch+1, j = [], k = [1,batch,-3], l = [[1,2], "x", 1*inf], m = f32[2,2](1.0, 2.5, -0.0, 1e+20), n = bool[3](true, false, true), o = i32[](-7), p = f64[0,3](), q = f32[1]x"0000c07f", r = 1*f32} : f32[]
    %constant = constant() {value = f32[17]x"0000803f0000004000004040000080400000a0400000c0400000e0400000004100001041000020410000304100004041000050410000604100007041000080410000c07f"} : f32[17]
    return %add, %parts:1, %gradients/encoder/matmul/neg
    """# + "\n"

  /// A loop in a loop.
  static let nested = #"""
    firn 1

    variable cell/kernel : f32[4,4] {kind = "parameter", role = "recurrent_kernel", trainable = true, initializer = ["orthogonal", 1.0]}

    %x = placeholder() {dtype = f32, shape = [time,batch,4]} : f32[time,batch,4]
    %h0 = placeholder() {dtype = f32, shape = [batch,4]} : f32[batch,4]
    %cell/kernel = read() {variable = "cell/kernel", dtype = f32, shape = [4,4]} : f32[4,4]
    %cell/scan:2 = scan(%h0, %x, %cell/kernel) {carries = 1, body = {
      %t = loop_input() {kind = "index", position = 0, dtype = i32, shape = []} : i32[]
      %h = loop_input() {kind = "carry", position = 0, dtype = f32, shape = [batch,4]} : f32[batch,4]
      %x = loop_input() {kind = "slice", position = 0, dtype = f32, shape = [batch,4]} : f32[batch,4]
      %kernel = loop_input() {kind = "capture", position = 0, dtype = f32, shape = [4,4]} : f32[4,4]
      %matmul = matmul(%h, %kernel) {transpose_a = false, transpose_b = false} : f32[batch,4]
      %add = add(%matmul, %x) : f32[batch,4]
      %inner = scan(%add) {carries = 0, body = {
        %row = loop_input() {kind = "slice", position = 0, dtype = f32, shape = [4]} : f32[4]
        %tanh = tanh(%row) : f32[4]
        return %tanh
      }} : f32[batch,4]
      return %inner, %inner
    }} : f32[batch,4], f32[time,batch,4]
    return %cell/scan, %cell/scan:1
    """# + "\n"

  /// A frozen encoder below a trained head, with a loop, a stop, noise and the head's gradient.
  static let partlyFrozen = #"""
    firn 1

    variable encoder/dense/kernel : f32[8,16] {kind = "parameter", role = "kernel", trainable = false, initializer = ["variance_scaling", 1.0, "fan_avg", "uniform"]}
    variable encoder/dense/bias : f32[32,16] {kind = "parameter", role = "bias", trainable = false, initializer = ["constant", 0.0]}
    variable encoder/cell/kernel : f32[16,16] {kind = "parameter", role = "recurrent_kernel", trainable = false, initializer = ["orthogonal", 1.0]}
    variable head/kernel : f32[16,4] {kind = "parameter", role = "kernel", trainable = true, initializer = ["variance_scaling", 1.0, "fan_avg", "uniform"]}
    variable head/mean : f32[32,4] {kind = "state", role = "", trainable = false, initializer = ["constant", 0.0]}

    %x = placeholder() {dtype = f32, shape = [32,8]} : f32[32,8]
    %steps = placeholder() {dtype = f32, shape = [time,32,16]} : f32[time,32,16]
    %random_state = random_state() : i32[4]
    %encoder/dense/kernel = read() {variable = "encoder/dense/kernel", dtype = f32, shape = [8,16]} : f32[8,16]
    %encoder/dense/matmul = matmul(%x, %encoder/dense/kernel) {transpose_a = false, transpose_b = false} : f32[32,16]
    %encoder/dense/bias = read() {variable = "encoder/dense/bias", dtype = f32, shape = [32,16]} : f32[32,16]
    %encoder/dense/add = add(%encoder/dense/matmul, %encoder/dense/bias) : f32[32,16]
    %encoder/dense/tanh = tanh(%encoder/dense/add) : f32[32,16]
    %encoder/dropout = dropout(%encoder/dense/tanh, %random_state) {rate = 0.1} : f32[32,16]
    %encoder/cell/kernel = read() {variable = "encoder/cell/kernel", dtype = f32, shape = [16,16]} : f32[16,16]
    %encoder/cell/scan:2 = scan(%encoder/dropout, %steps, %encoder/cell/kernel, %random_state) {carries = 1, body = {
      %h = loop_input() {kind = "carry", position = 0, dtype = f32, shape = [32,16]} : f32[32,16]
      %x = loop_input() {kind = "slice", position = 0, dtype = f32, shape = [32,16]} : f32[32,16]
      %kernel = loop_input() {kind = "capture", position = 0, dtype = f32, shape = [16,16]} : f32[16,16]
      %random_state = loop_input() {kind = "capture", position = 1, dtype = i32, shape = [4]} : i32[4]
      %matmul = matmul(%h, %kernel) {transpose_a = false, transpose_b = false} : f32[32,16]
      %add = add(%matmul, %x) : f32[32,16]
      %noise/dropout = dropout(%add, %random_state) {rate = 0.2} : f32[32,16]
      %tanh = tanh(%noise/dropout) : f32[32,16]
      return %tanh, %tanh
    }} : f32[32,16], f32[time,32,16]
    %stop_gradient = stop_gradient(%encoder/cell/scan) : f32[32,16]
    %head/kernel = read() {variable = "head/kernel", dtype = f32, shape = [16,4]} : f32[16,4]
    %head/matmul = matmul(%stop_gradient, %head/kernel) {transpose_a = false, transpose_b = false} : f32[32,4]
    %head/mean = read() {variable = "head/mean", dtype = f32, shape = [32,4]} : f32[32,4]
    %head/center = add(%head/matmul, %head/mean) : f32[32,4]
    %head/assign = assign(%head/center) {variable = "head/mean"} : f32[32,4]
    %target = constant() {value = f32[32,4]x"TARGET"} : f32[32,4]
    %loss/half = constant() {value = f32[](0.5)} : f32[]
    %loss/scale = mul(%loss/half, %loss/half) : f32[]
    %loss/a_rather_long_name_for_what_is_only_a_sum = mul(%head/center, %target) : f32[32,4]
    %gradients/head/center/seed = neg(%loss/a_rather_long_name_for_what_is_only_a_sum) : f32[32,4] @backward
    %gradients/head/matmul/matmul = matmul(%stop_gradient, %gradients/head/center/seed) {transpose_a = true, transpose_b = false} : f32[16,4] @backward
    return %loss/a_rather_long_name_for_what_is_only_a_sum, %gradients/head/matmul/matmul, %loss/scale
    """#.replacing("TARGET", with: String(repeating: "0000803f", count: 128)) + "\n"
}
