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

  ;; mix32 of counter-hash.ts.
  (func $mix (param $x i32) (result i32)
    (local.set $x (i32.xor (local.get $x) (i32.shr_u (local.get $x) (i32.const 16))))
    (local.set $x (i32.mul (local.get $x) (i32.const 0x21f0aaad)))
    (local.set $x (i32.xor (local.get $x) (i32.shr_u (local.get $x) (i32.const 15))))
    (local.set $x (i32.mul (local.get $x) (i32.const 0xd35a2d97)))
    (i32.xor (local.get $x) (i32.shr_u (local.get $x) (i32.const 15))))

  ;; The key of a row, plus 1: the cube of its number (placeNumbers in dropout-key.ts) times factor plus shift.
  (func $rowKey (param $row i32) (param $factor i32) (param $shift i32) (result i32)
    (local $x i32)
    (local.set $x
      (i32.add
        (i32.shl (call $mix (i32.add (local.get $row) (i32.const 1))) (i32.const 21))
        (i32.add (i32.shl (local.get $row) (i32.const 1)) (i32.const 1))))
    (local.set $x (i32.add (i32.mul (local.get $x) (local.get $factor)) (local.get $shift)))
    (i32.add
      (i32.mul (local.get $x) (i32.mul (local.get $x) (local.get $x)))
      (i32.const 1)))

  ;; Writes `rows` rows of a mask, from number `row` on, of `columns` bytes each, 1 where an element is kept, else 0;
  ;; `keys` are those of the columns. Up to 15 bytes behind the last row are written, too.
  (func (export "dropoutMask")
    (param $mask i32) (param $keys i32) (param $rows i32) (param $columns i32)
    (param $row i32) (param $factor i32) (param $shift i32) (param $limit i32)
    (local $lastRow i32) (local $at i32) (local $end i32) (local $key v128) (local $limits v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $limits (i32x4.splat (local.get $limit)))
    (local.set $lastRow (i32.add (local.get $row) (local.get $rows)))
    (local.set $at (local.get $mask))
    (loop $nextRow
      (local.set $key
        (i32x4.splat
          (call $rowKey (local.get $row) (local.get $factor) (local.get $shift))))
      (local.set $mask (local.get $at))
      (local.set $end (i32.add (local.get $mask) (local.get $columns)))
      (loop $next ;; nothing is called here: four calls would take as long again
        (local.set $a (i32x4.add (v128.load (local.get $keys)) (local.get $key)))
        (local.set $b (i32x4.add (v128.load offset=16 (local.get $keys)) (local.get $key)))
        (local.set $c (i32x4.add (v128.load offset=32 (local.get $keys)) (local.get $key)))
        (local.set $d (i32x4.add (v128.load offset=48 (local.get $keys)) (local.get $key)))
        (v128.store (local.get $at)
          (v128.and
            (i8x16.narrow_i16x8_s
              (i16x8.narrow_i32x4_s
                (i32x4.gt_s
                  (i32x4.mul (local.get $a) (i32x4.mul (local.get $a) (local.get $a)))
                  (local.get $limits))
                (i32x4.gt_s
                  (i32x4.mul (local.get $b) (i32x4.mul (local.get $b) (local.get $b)))
                  (local.get $limits)))
              (i16x8.narrow_i32x4_s
                (i32x4.gt_s
                  (i32x4.mul (local.get $c) (i32x4.mul (local.get $c) (local.get $c)))
                  (local.get $limits))
                (i32x4.gt_s
                  (i32x4.mul (local.get $d) (i32x4.mul (local.get $d) (local.get $d)))
                  (local.get $limits))))
            (i8x16.splat (i32.const 1))))
        (local.set $keys (i32.add (local.get $keys) (i32.const 64)))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
      (local.set $keys
        (i32.sub (local.get $keys) (i32.shl (i32.sub (local.get $at) (local.get $mask)) (i32.const 2))))
      (local.set $at (local.get $end))
      (local.set $row (i32.add (local.get $row) (i32.const 1)))
      (br_if $nextRow (i32.lt_u (local.get $row) (local.get $lastRow)))))
)
