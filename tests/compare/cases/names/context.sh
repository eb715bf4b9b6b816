echo 1 >'with space'; mkdir 'also space'; echo 2 >'also space/in'; echo 3 >./-dash; echo 4 >umläut; echo 5 >'brack[et'; echo 6 >'quote'; echo 7 >'dou ble'; echo 9 >.hidden
mkdir dir1 dir2 dir1/sub; echo x >dir1/1.x; echo x >dir2/2.x; echo x >dir1/sub/3.x
