;; The two loops of a training step that run on the host for every element: SIMD makes them five to
;; ten times as fast as JavaScript. kernels.ts holds these bytes assembled; test/training/kernels.test.ts
;; checks that they are, and assembles them anew with UPDATE_GOLDEN=1.
(module
  (memory (export "memory") 4)

  ;; One AdamW step on `count` float32 elements (a multiple of 4), in place:
  ;;   m = beta1 m + rest1 g       v = beta2 v + rest2 g^2       with g times scale
  ;;   p = keep p - stepSize m / (sqrt(v) secondScale + epsilon)
  (func (export "adam")
    (param $p i32) (param $g i32) (param $m i32) (param $v i32) (param $count i32)
    (param $scale f32)
    (param $beta1 f32) (param $rest1 f32) (param $beta2 f32) (param $rest2 f32)
    (param $stepSize f32) (param $secondScale f32) (param $epsilon f32) (param $keep f32)
    (local $end i32) (local $gradient v128) (local $first v128) (local $second v128)
    (local.set $end (i32.add (local.get $p) (i32.shl (local.get $count) (i32.const 2))))
    (loop $next
      (local.set $gradient
        (f32x4.mul (v128.load (local.get $g)) (f32x4.splat (local.get $scale))))
      (local.set $first
        (f32x4.add
          (f32x4.mul (v128.load (local.get $m)) (f32x4.splat (local.get $beta1)))
          (f32x4.mul
            (local.get $gradient)
            (f32x4.splat (local.get $rest1)))))
      (local.set $second
        (f32x4.add
          (f32x4.mul (v128.load (local.get $v)) (f32x4.splat (local.get $beta2)))
          (f32x4.mul
            (f32x4.mul (local.get $gradient) (local.get $gradient))
            (f32x4.splat (local.get $rest2)))))
      (v128.store (local.get $m) (local.get $first))
      (v128.store (local.get $v) (local.get $second))
      (v128.store (local.get $p)
        (f32x4.sub
          (f32x4.mul (v128.load (local.get $p)) (f32x4.splat (local.get $keep)))
          (f32x4.div
            (f32x4.mul (local.get $first) (f32x4.splat (local.get $stepSize)))
            (f32x4.add
              (f32x4.mul (f32x4.sqrt (local.get $second)) (f32x4.splat (local.get $secondScale)))
              (f32x4.splat (local.get $epsilon))))))
      (local.set $p (i32.add (local.get $p) (i32.const 16)))
      (local.set $g (i32.add (local.get $g) (i32.const 16)))
      (local.set $m (i32.add (local.get $m) (i32.const 16)))
      (local.set $v (i32.add (local.get $v) (i32.const 16)))
      (br_if $next (i32.lt_u (local.get $p) (local.get $end)))))

  ;; mix32 of counter-hash.ts on four numbers.
  (func $mix (param $x v128) (result v128)
    (local.set $x (v128.xor (local.get $x) (i32x4.shr_u (local.get $x) (i32.const 16))))
    (local.set $x (i32x4.mul (local.get $x) (i32x4.splat (i32.const 0x21f0aaad))))
    (local.set $x (v128.xor (local.get $x) (i32x4.shr_u (local.get $x) (i32.const 15))))
    (local.set $x (i32x4.mul (local.get $x) (i32x4.splat (i32.const 0xd35a2d97))))
    (v128.xor (local.get $x) (i32x4.shr_u (local.get $x) (i32.const 15))))

  ;; Whether each of the 16-bit halves of four hashes reaches the threshold: 0xffff or 0.
  (func $reach (param $index v128) (param $second i32) (param $threshold i32) (result v128)
    (i16x8.ge_u
      (call $mix (v128.xor (call $mix (local.get $index)) (i32x4.splat (local.get $second))))
      (i16x8.splat (local.get $threshold))))

  ;; Writes `count` bytes (a multiple of 16): 1 where a 16-bit half of the stream's numbers from
  ;; `index` on reaches the threshold, else 0; the low half first.
  (func (export "dropoutMask")
    (param $mask i32) (param $count i32) (param $index i32)
    (param $first i32) (param $second i32) (param $threshold i32)
    (local $end i32) (local $numbers v128)
    (local.set $end (i32.add (local.get $mask) (local.get $count)))
    (local.set $numbers
      (i32x4.add
        (i32x4.splat (i32.add (local.get $index) (local.get $first)))
        (v128.const i32x4 0 1 2 3)))
    (loop $next
      (v128.store (local.get $mask)
        (v128.and
          (i8x16.narrow_i16x8_s
            (call $reach
              (local.get $numbers) (local.get $second) (local.get $threshold))
            (call $reach
              (i32x4.add (local.get $numbers) (i32x4.splat (i32.const 4)))
              (local.get $second) (local.get $threshold)))
          (i8x16.splat (i32.const 1))))
      (local.set $numbers (i32x4.add (local.get $numbers) (i32x4.splat (i32.const 8))))
      (local.set $mask (i32.add (local.get $mask) (i32.const 16)))
      (br_if $next (i32.lt_u (local.get $mask) (local.get $end)))))
)
